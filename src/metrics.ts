/**
 * Prometheus metrics. Label values come from closed lists (vendor, verdict, code): a run's label
 * or a task would be a new series for each run, and is asked of the audit instead.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Micros } from './money.ts';

/** A segment more or less is a cent; a call that went on, dollars. */
const DRIFT_USD = [-10, -1, -0.1, -0.01, -0.001, 0, 0.001, 0.01, 0.1, 1, 10];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export interface Gauges {
  /** Calls under way. */
  running(): number;
  /** Of those, the ones that wait for a budget. */
  waiting(): number;
  /** Seconds since the day of the exchange rates began; null: there are none. */
  ratesAge(): number | null;
}

interface VendorSeries {
  cost: Counter.Internal;
  latency: Histogram.Internal<'vendor'>;
  upstream: Histogram.Internal<'vendor'>;
}

export class Metrics {
  readonly #vendors = new Map<string, VendorSeries>();
  readonly #registry = new Registry();
  readonly #calls: Counter;
  readonly #cost: Counter;
  readonly #resolutions: Counter;
  readonly #drift: Histogram<'vendor'>;
  readonly #latency: Histogram<'vendor'>;
  readonly #upstream: Histogram<'vendor'>;

  constructor(gauges: Gauges) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#calls = new Counter({
      name: 'keybrake_calls_total',
      help: 'Calls under a vault key, by what was decided and why',
      labelNames: ['vendor', 'verdict', 'code'],
      registers,
    });
    this.#cost = new Counter({
      name: 'keybrake_cost_usd_total',
      help: 'Dollars that calls counted for when they were answered',
      labelNames: ['vendor'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'keybrake_call_seconds',
      help: 'From arrival to answer',
      labelNames: ['vendor'],
      buckets: SECONDS,
      registers,
    });
    this.#upstream = new Histogram({
      name: 'keybrake_upstream_seconds',
      help: "The vendor's part of it",
      labelNames: ['vendor'],
      buckets: SECONDS,
      registers,
    });
    this.#resolutions = new Counter({
      name: 'keybrake_resolutions_total',
      help: 'Open calls of which a look at the vendor told what became',
      labelNames: ['vendor', 'outcome'],
      registers,
    });
    this.#drift = new Histogram({
      name: 'keybrake_quote_drift_usd',
      help: 'What a call cost beyond its quote, once its price was stated; below zero: less',
      labelNames: ['vendor'],
      buckets: DRIFT_USD,
      registers,
    });
    new Gauge({
      name: 'keybrake_calls_waiting',
      help: 'Calls that wait for holds in front of them to come back',
      registers,
      collect() {
        this.set(gauges.waiting());
      },
    });
    new Gauge({
      name: 'keybrake_rates_age_seconds',
      help: 'Since the day of the exchange rates began; NaN when there are none',
      registers,
      collect() {
        this.set(gauges.ratesAge() ?? Number.NaN);
      },
    });
    new Gauge({
      name: 'keybrake_calls_running',
      help: 'Calls between arrival and answer',
      registers,
      collect() {
        this.set(gauges.running());
      },
    });
  }

  call(
    vendor: string,
    verdict: string,
    code: string,
    latencyMs: number,
    upstreamMs: number | null,
    cost: Micros,
  ): void {
    this.#calls.inc({ vendor, verdict, code });
    const of = this.#vendor(vendor);
    of.latency.observe(latencyMs / 1000);
    if (upstreamMs !== null) of.upstream.observe(upstreamMs / 1000);
    // A metric is a float by its protocol; the ledger, not this, is what is right to the cent.
    if (cost > 0n) of.cost.inc(Number(cost) / 1e6);
  }

  /** A look at the vendor ended an open call, or told where its money stands. */
  resolved(vendor: string, outcome: string): void {
    this.#resolutions.inc({ vendor, outcome });
  }

  /** A call that was held at its quote came to cost what the vendor stated later. */
  drift(vendor: string, quote: Micros, cost: Micros): void {
    this.#drift.observe({ vendor }, Number(cost - quote) / 1e6);
  }

  /** A vendor's series, looked up once: finding one by its labels costs more than counting. */
  #vendor(vendor: string): VendorSeries {
    let series = this.#vendors.get(vendor);
    if (!series) {
      series = {
        cost: this.#cost.labels(vendor),
        latency: this.#latency.labels(vendor),
        upstream: this.#upstream.labels(vendor),
      };
      this.#vendors.set(vendor, series);
    }
    return series;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
