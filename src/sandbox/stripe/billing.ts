/**
 * What a subscription's items cost: of a whole period, and of the part of one that a change leaves.
 * Reads what it is given and changes nothing.
 */
import { newId } from './ids.ts';
import type { InvoiceLine } from './objects/invoice.ts';
import type { Recurring } from './objects/price.ts';
import type { Period, SubscriptionItem } from './objects/subscription.ts';

const DAY = 86_400;

/** Seconds since 1970, one interval later; the last day of a month that is shorter. */
export function oneIntervalAfter(start: number, { interval, count }: Recurring): number {
  if (interval === 'day') return start + count * DAY;
  if (interval === 'week') return start + count * 7 * DAY;
  const date = new Date(start * 1000);
  const months = date.getUTCMonth() + (interval === 'year' ? 12 : 1) * count;
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), months + 1, 0)).getUTCDate();
  const day = Math.min(date.getUTCDate(), lastDay);
  const midnight = Date.UTC(date.getUTCFullYear(), months, day) / 1000;
  return midnight + (start % DAY);
}

/** The period that starts then, by the first item's interval. */
export function periodFrom(start: number, items: readonly SubscriptionItem[]): Period {
  const recurring = items[0]?.price.recurring ?? { interval: 'month', count: 1 };
  return { start, end: oneIntervalAfter(start, recurring) };
}

/** A whole period of every item; `free`: a trial, which is billed as nothing. */
export function wholeLines(
  subscription: string,
  items: readonly SubscriptionItem[],
  period: Period,
  free = false,
): InvoiceLine[] {
  return items.map((item) => {
    const amount = free ? 0 : item.price.unitAmount * item.quantity;
    return lineFor(subscription, item, amount, period, false);
  });
}

/**
 * What a change at a moment in a period costs: the unused time of what was is given back, the
 * remaining time of what is to be is charged. What did not change costs nothing.
 */
export function changeLines(
  subscription: string,
  before: readonly SubscriptionItem[],
  after: readonly SubscriptionItem[],
  period: Period,
  at: number,
): InvoiceLine[] {
  const share = (item: SubscriptionItem) => {
    const left = Math.max(0, Math.min(1, (period.end - at) / (period.end - period.start)));
    return Math.round(item.price.unitAmount * item.quantity * left);
  };
  const kept = (item: SubscriptionItem, others: readonly SubscriptionItem[]) =>
    others.some(
      (other) =>
        other.id === item.id &&
        other.price.id === item.price.id &&
        other.quantity === item.quantity,
    );
  const rest = { start: at, end: period.end };
  const unused = before
    .filter((item) => !kept(item, after))
    .map((item) => lineFor(subscription, item, -share(item), rest, true));
  const remaining = after
    .filter((item) => !kept(item, before))
    .map((item) => lineFor(subscription, item, share(item), rest, true));
  return [...unused, ...remaining];
}

function lineFor(
  subscription: string,
  item: SubscriptionItem,
  amount: number,
  period: Period,
  proration: boolean,
): InvoiceLine {
  const of = `${item.quantity} × ${item.price.product}`;
  const time = amount < 0 ? 'Unused time on' : 'Remaining time on';
  return {
    id: newId('il_1', 23),
    amount,
    description: proration ? `${time} ${of}` : of,
    quantity: item.quantity,
    price: item.price.id,
    product: item.price.product,
    proration,
    subscription,
    subscriptionItem: item.id,
    invoiceItem: null,
    period,
  };
}
