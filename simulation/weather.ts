/**
 * How bad a run's world is: the probability of each fault. Every run draws its own, many of them
 * nothing, so that some faults are met alone and others together.
 */
import type { Dice } from './dice.ts';

export interface Weather {
  // The way to the vendor and back, of each request.
  refused: number;
  requestLost: number;
  requestLate: number;
  requestTwice: number;
  replyLost: number;
  replyLate: number;
  replyGarbled: number;
  /** A gateway in front of the vendor answers instead. */
  gateway: number;
  throttled: number;
  /** The vendor itself breaks, before or after it has moved the money. */
  breaks: number;
  // The store, of each commit.
  slowDisk: number;
  diskFails: number;
  crashAfterCommit: number;
  // The process, of each of its steps.
  crash: number;
  // The clients, of each call.
  hangsUp: number;
}

export function drawWeather(dice: Dice): Weather {
  return {
    refused: dice.sometimes(0.2),
    requestLost: dice.sometimes(0.2),
    requestLate: dice.sometimes(0.1),
    requestTwice: dice.sometimes(0.2),
    replyLost: dice.sometimes(0.3),
    replyLate: dice.sometimes(0.2),
    replyGarbled: dice.sometimes(0.2),
    gateway: dice.sometimes(0.2),
    throttled: dice.sometimes(0.1),
    breaks: dice.sometimes(0.1),
    slowDisk: dice.sometimes(0.3),
    diskFails: dice.sometimes(0.1),
    crashAfterCommit: dice.sometimes(0.03),
    crash: dice.sometimes(0.02),
    hangsUp: dice.sometimes(0.2),
  };
}

/** Nothing goes wrong any more. */
export function calm(weather: Weather): void {
  for (const name of Object.keys(weather) as (keyof Weather)[]) weather[name] = 0;
}
