/** A subscription: bills its items every period. No money stands here; its invoices hold that. */
import type { Json, Kept, Kind } from './kept.ts';
import { type Price, price, showPlan } from './price.ts';

export interface SubscriptionItem {
  id: string;
  created: number;
  metadata: Record<string, string>;
  price: Price;
  quantity: number;
}

export interface Period {
  /** Seconds since 1970. */
  start: number;
  end: number;
}

export interface Subscription extends Kept {
  object: 'subscription';
  status:
    | 'incomplete'
    | 'incomplete_expired'
    | 'trialing'
    | 'active'
    | 'past_due'
    | 'paused'
    | 'canceled';
  customer: string;
  currency: string;
  items: readonly SubscriptionItem[];
  period: Period;
  trial: Period | null;
  latestInvoice: string | null;
  defaultPaymentMethod: string | null;
  collectionMethod: 'charge_automatically' | 'send_invoice';
  daysUntilDue: number | null;
  cancelAtPeriodEnd: boolean;
  /** Its invoices are not collected; shown as given. */
  pauseCollection: Record<string, string> | null;
  description: string | null;
  canceledAt: number | null;
}

export const subscription: Kind<Subscription> = {
  show: (sub) => ({
    id: sub.id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: sub.period.start,
    billing_mode: { flexible: null, type: 'classic' },
    cancel_at: sub.cancelAtPeriodEnd ? sub.period.end : null,
    cancel_at_period_end: sub.cancelAtPeriodEnd,
    canceled_at: sub.canceledAt,
    collection_method: sub.collectionMethod,
    created: sub.created,
    currency: sub.currency,
    customer: sub.customer,
    days_until_due: sub.daysUntilDue,
    default_payment_method: sub.defaultPaymentMethod,
    default_source: null,
    description: sub.description,
    discounts: [],
    ended_at: sub.status === 'canceled' ? sub.canceledAt : null,
    items: {
      object: 'list',
      data: sub.items.map((item) => showItem(sub, item)),
      has_more: false,
      total_count: sub.items.length,
      url: `/v1/subscription_items?subscription=${sub.id}`,
    },
    latest_invoice: sub.latestInvoice,
    livemode: false,
    metadata: sub.metadata,
    pause_collection: sub.pauseCollection,
    pending_setup_intent: null,
    pending_update: null,
    // The older way to read it, which one item alone has.
    plan: sub.items.length === 1 ? showPlan(sub.items[0]!.price) : null,
    quantity: sub.items.length === 1 ? sub.items[0]!.quantity : null,
    schedule: null,
    start_date: sub.created,
    status: sub.status,
    trial_end: sub.trial?.end ?? null,
    trial_start: sub.trial?.start ?? null,
  }),
};

export function showItem(sub: Subscription, item: SubscriptionItem): Json {
  return {
    id: item.id,
    object: 'subscription_item',
    created: item.created,
    current_period_end: sub.period.end,
    current_period_start: sub.period.start,
    discounts: [],
    metadata: item.metadata,
    plan: showPlan(item.price),
    price: price.show(item.price),
    quantity: item.quantity,
    subscription: sub.id,
    tax_rates: [],
  };
}
