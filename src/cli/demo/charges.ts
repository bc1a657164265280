/**
 * The charges that the broken run wants to make: the same amounts in every run of the demo, so that
 * two people look at the same story; the idempotency keys differ, so that no run meets another's.
 */
export interface PlannedCharge {
  customer: string;
  /** US cents. */
  cents: number;
  /** One of Stripe's test cards. */
  card: string;
  idempotencyKey: string;
}

const PAYS = 'pm_card_visa';
const DECLINES = 'pm_card_chargeDeclined';

/** Mulberry32: small, seeded, good enough to make amounts look like amounts. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * `count` charges of $0.60 to $3.40, $2 on average, so that some 250 of them fit a $500 run and the
 * smaller ones go on filling what the larger ones leave. One card in 25 is declined: a hold that
 * comes back has to be seen, too.
 */
export function planCharges(count: number, label: string): PlannedCharge[] {
  const random = seeded(20_261_122);
  return Array.from({ length: count }, (_, i) => ({
    customer: `cus_${String(i + 1).padStart(5, '0')}`,
    cents: 60 + Math.floor(random() * 281),
    card: random() < 0.04 ? DECLINES : PAYS,
    idempotencyKey: `${label}/charge-${i + 1}`,
  }));
}

/** What the run would have cost with nobody in the way, in cents. */
export function costWithoutBrake(charges: readonly PlannedCharge[]): bigint {
  return charges.reduce((sum, { card, cents }) => (card === PAYS ? sum + BigInt(cents) : sum), 0n);
}
