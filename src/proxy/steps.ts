/**
 * The steps of a call, announced to whoever listens in this process: the tests that kill it at each
 * one, and tracing. Costs one comparison when nobody does.
 */
import { channel } from 'node:diagnostics_channel';

export const STEPS = [
  'arrived',
  'authenticated',
  'understood',
  'admitted',
  'sending',
  'replied',
  'concluded',
  'answered',
] as const;

export type Step = (typeof STEPS)[number];

const steps = channel('keybrake:step');

export function announce(step: Step, callId: bigint): void {
  if (steps.hasSubscribers) steps.publish({ step, callId });
}
