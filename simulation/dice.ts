/**
 * All chance of a run, from one seed: the same seed throws the same dice in the same order, which is
 * what makes a failing run replay. Nothing in a run may take its chance from elsewhere.
 */
import { seededRandom } from '../src/sandbox/faults.ts';

export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** True with this probability, between 0 and 1. */
  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)]!;
  }

  /** Half of the time nothing at all, else a probability up to `most`: runs differ in their faults. */
  sometimes(most: number): number {
    return this.chance(0.5) ? 0 : this.#random() * most;
  }
}
