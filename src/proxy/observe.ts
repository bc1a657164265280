/**
 * One canonical line and one set of counters for each call, whatever became of it. Nothing here
 * holds a credential: neither the request's headers nor any body reaches this file.
 */
import { handle } from '../ids.ts';
import type { Admission } from '../ledger/ledger.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { formatUsd, type Micros } from '../money.ts';

export interface Observation {
  /** Null when the caller's key was not known. */
  admission: Admission | null;
  vendor: string;
  label: string | null;
  /** `allow`, `refuse`, `replay`, `resend`. */
  verdict: string;
  /** The refusal's code, or null. */
  code: string | null;
  status: number;
  cost: Micros;
  latencyMs: number;
  upstreamMs: number | null;
  /** What went wrong on the way to the vendor. */
  why: string | null;
}

export class Observer {
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  observe(seen: Observation): void {
    const { admission, vendor, verdict, code } = seen;
    this.#metrics.call(vendor, verdict, code ?? 'none', seen.latencyMs, seen.upstreamMs, seen.cost);
    if (!this.#log.isLevelEnabled('info')) return;
    this.#log.info(
      {
        call: admission && handle('call', admission.id),
        key: admission && handle('key', admission.keyId),
        label: seen.label,
        task: admission?.taskId ?? null,
        vendor,
        operation: admission?.operation ?? null,
        verdict,
        code,
        status: seen.status,
        cost_usd: formatUsd(seen.cost),
        ms: Math.round(seen.latencyMs * 100) / 100,
        upstream_ms: seen.upstreamMs && Math.round(seen.upstreamMs * 100) / 100,
        why: seen.why ?? undefined,
      },
      'call',
    );
  }
}
