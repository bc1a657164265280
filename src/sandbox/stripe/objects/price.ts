/** A product, and a price of it: what one unit costs, once or each interval. No money stands here. */
import type { Json, Kept, Kind } from './kept.ts';

export interface Product extends Kept {
  object: 'product';
  name: string;
  active: boolean;
}

export const product: Kind<Product> = {
  show: (prod) => ({
    id: prod.id,
    object: 'product',
    active: prod.active,
    created: prod.created,
    default_price: null,
    description: null,
    livemode: false,
    metadata: prod.metadata,
    name: prod.name,
    type: 'service',
    updated: prod.created,
  }),
};

export interface Recurring {
  interval: 'day' | 'week' | 'month' | 'year';
  count: number;
}

export interface Price extends Kept {
  object: 'price';
  product: string;
  currency: string;
  /** Minor units of one. */
  unitAmount: number;
  /** Null: paid once. */
  recurring: Recurring | null;
  active: boolean;
}

export const price: Kind<Price> = {
  show: (p) => ({
    ...shared(p),
    object: 'price',
    custom_unit_amount: null,
    lookup_key: null,
    recurring: p.recurring && {
      interval: p.recurring.interval,
      interval_count: p.recurring.count,
      meter: null,
      trial_period_days: null,
      usage_type: 'licensed',
    },
    tax_behavior: 'unspecified',
    transform_quantity: null,
    type: p.recurring ? 'recurring' : 'one_time',
    unit_amount: p.unitAmount,
    unit_amount_decimal: String(p.unitAmount),
  }),
};

/** The older name of a recurring price, which subscriptions still carry beside it. */
export function showPlan(p: Price): Json {
  return {
    ...shared(p),
    object: 'plan',
    amount: p.unitAmount,
    amount_decimal: String(p.unitAmount),
    interval: p.recurring?.interval ?? null,
    interval_count: p.recurring?.count ?? null,
    meter: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  };
}

function shared(p: Price): Json {
  return {
    id: p.id,
    active: p.active,
    billing_scheme: 'per_unit',
    created: p.created,
    currency: p.currency,
    livemode: false,
    metadata: p.metadata,
    nickname: null,
    product: p.product,
    tiers_mode: null,
  };
}
