/**
 * Reads what a request asks of a subscription and says what it would become and cost. The calls that
 * do it and the preview of an invoice both go by this, so that a preview cannot say anything else.
 * Changes nothing.
 */
import { readQuantity } from './amounts.ts';
import { changeLines, periodFrom, wholeLines } from './billing.ts';
import { type Call, readFlag, readMetadata, readText } from './call.ts';
import { invalid, missing, noSuch } from './errors.ts';
import { inside } from './form.ts';
import { newId, newObjectId } from './ids.ts';
import type { InvoiceLine } from './objects/invoice.ts';
import type { Subscription, SubscriptionItem } from './objects/subscription.ts';
import { readPrice } from './prices.ts';
import type { New } from './records.ts';

export interface Plan<After> {
  after: After;
  /** What it costs, or gives back. */
  lines: InvoiceLine[];
  /** It is billed at once; otherwise the lines wait for the next invoice. */
  bills: boolean;
}

/** A new subscription; the parameters stand under `prefix`. */
export function planOfNew(call: Call, customer: string, prefix = ''): Plan<New<Subscription>> {
  const { form, now } = call;
  const items = readItems(call, [], prefix);
  if (items.length === 0) throw missing(inside(prefix, 'items'));
  const id = newObjectId('sub_1', 23);
  const days = form.text(inside(prefix, 'trial_period_days'));
  const trialEnd =
    readMoment(call, inside(prefix, 'trial_end')) ?? now + Number(days ?? 0) * 86_400;
  const trial = trialEnd > now ? { start: now, end: trialEnd } : null;
  const anchor = readMoment(call, inside(prefix, 'billing_cycle_anchor')) ?? now;
  const whole = periodFrom(now, items);
  const period = trial ?? (anchor > now ? { start: now, end: anchor } : whole);
  const after: New<Subscription> = {
    id,
    created: now,
    metadata: readMetadata(form),
    object: 'subscription',
    status: trial ? 'trialing' : 'incomplete',
    customer,
    currency: items[0]!.price.currency,
    items,
    period,
    trial,
    latestInvoice: null,
    pauseCollection: null,
    canceledAt: null,
    ...readSettings(call, prefix, DEFAULTS),
  };
  const lines = partOfFirst(call, prefix, after, whole.end - whole.start);
  return { after, lines, bills: true };
}

/** The first period's lines: nothing in a trial, a share when the first period is cut short. */
function partOfFirst(
  call: Call,
  prefix: string,
  sub: New<Subscription>,
  wholeSeconds: number,
): InvoiceLine[] {
  const { start, end } = sub.period;
  const cut = !sub.trial && end - start !== wholeSeconds;
  if (!cut) return wholeLines(sub.id, sub.items, sub.period, sub.trial !== null);
  if (prorationOf(call, prefix) === 'none') return [];
  return changeLines(sub.id, [], sub.items, { start: end - wholeSeconds, end }, start);
}

/** `items`: what they are to be, when the request names them outside `items[…]`. */
export function planOfChange(
  call: Call,
  sub: Subscription,
  prefix = '',
  given?: readonly SubscriptionItem[],
): Plan<Subscription> {
  const { form, now } = call;
  const items = given ?? readItems(call, sub.items, prefix);
  const after: Subscription = {
    ...sub,
    ...readSettings(call, prefix, sub),
    items,
    metadata: prefix ? sub.metadata : readMetadata(form, sub.metadata),
    pauseCollection: readPause(call, sub),
  };
  const prorates = prorationOf(call, prefix);
  const at = Number(form.text(inside(prefix, 'proration_date')) ?? now);
  const trialEnd = readMoment(call, inside(prefix, 'trial_end'));
  const trialing = sub.status === 'trialing';
  if (trialEnd !== undefined && trialEnd > now) {
    after.trial = after.period = { start: now, end: trialEnd };
    after.status = 'trialing';
    return { after, lines: [], bills: false };
  }
  const endsTrial = trialing && trialEnd !== undefined;
  if (endsTrial || anchorOf(call, prefix) === 'now' || reset(sub, items)) {
    after.period = periodFrom(now, items);
    if (trialing) after.status = 'active';
    if (trialing && after.trial) after.trial = { ...after.trial, end: now };
    const unused =
      trialing || prorates === 'none' ? [] : changeLines(sub.id, sub.items, [], sub.period, at);
    return { after, lines: [...unused, ...wholeLines(sub.id, items, after.period)], bills: true };
  }
  const lines =
    trialing || prorates === 'none' ? [] : changeLines(sub.id, sub.items, items, sub.period, at);
  return { after, lines, bills: prorates === 'always_invoice' && lines.length > 0 };
}

/** Ends it now. `prorate` gives the unused time back, `invoice_now` bills what waits. */
export function planOfEnd(call: Call, sub: Subscription, prefix = ''): Plan<Subscription> {
  const { form, now } = call;
  const prorates = prefix ? prorationOf(call, prefix) !== 'none' : readFlag(form, 'prorate');
  const lines =
    prorates && sub.status === 'active' ? changeLines(sub.id, sub.items, [], sub.period, now) : [];
  const after: Subscription = { ...sub, status: 'canceled', canceledAt: now };
  return { after, lines, bills: prefix !== '' || readFlag(form, 'invoice_now') };
}

/** A paused one goes on: from a new period, which is billed, or in the old one. */
export function planOfResumption(call: Call, sub: Subscription): Plan<Subscription> {
  const { now } = call;
  if (anchorOf(call, '') === 'unchanged' && sub.period.end > now) {
    return { after: { ...sub, status: 'active' }, lines: [], bills: false };
  }
  const period = periodFrom(now, sub.items);
  return { after: { ...sub, period }, lines: wholeLines(sub.id, sub.items, period), bills: true };
}

/** Another length of the period starts a new one. */
function reset(sub: Subscription, items: readonly SubscriptionItem[]): boolean {
  const [before, after] = [sub.items[0]?.price.recurring, items[0]?.price.recurring];
  return (
    before !== undefined &&
    after !== undefined &&
    (before?.interval !== after?.interval || before?.count !== after?.count)
  );
}

/** The items after a request: named ones change or go, others are added. */
function readItems(
  call: Call,
  before: readonly SubscriptionItem[],
  prefix: string,
): SubscriptionItem[] {
  const { form } = call;
  let items = [...before];
  for (const group of form.groups(inside(prefix, 'items'))) {
    const id = form.text(`${group}[id]`);
    const known = id ? items.find((item) => item.id === id) : undefined;
    if (id && !known) throw noSuch('subscription_item', id, `${group}[id]`);
    if (readFlag(form, `${group}[deleted]`)) items = items.filter((item) => item !== known);
    else if (known)
      items = items.map((item) => (item === known ? readItem(call, group, known) : item));
    else items.push(readItem(call, group));
  }
  // The older way: one price and a quantity beside it.
  if (!prefix && (form.has('plan') || form.has('price'))) items.push(readItem(call, ''));
  return items;
}

export function readItem(call: Call, prefix: string, before?: SubscriptionItem): SubscriptionItem {
  const price = readPrice(call, prefix) ?? before?.price;
  if (!price) throw missing(inside(prefix, 'price'));
  if (!price.recurring) {
    throw invalid(`The price ${price.id} is not recurring.`, inside(prefix, 'price'));
  }
  const quantity = readQuantity(call.form, inside(prefix, 'quantity'), before?.quantity);
  const base = before ?? { id: newId('si_', 14), created: call.now, metadata: {} };
  return { ...base, price, quantity };
}

type Settings = Pick<
  Subscription,
  'defaultPaymentMethod' | 'collectionMethod' | 'daysUntilDue' | 'cancelAtPeriodEnd' | 'description'
>;

const DEFAULTS: Settings = {
  defaultPaymentMethod: null,
  collectionMethod: 'charge_automatically',
  daysUntilDue: null,
  cancelAtPeriodEnd: false,
  description: null,
};

function readSettings({ form }: Call, prefix: string, before: Settings): Settings {
  if (prefix) return before;
  const method = form.text('collection_method') ?? before.collectionMethod;
  if (method !== 'charge_automatically' && method !== 'send_invoice') {
    throw invalid(`Invalid collection_method: ${method}`, 'collection_method');
  }
  const days = form.text('days_until_due');
  return {
    defaultPaymentMethod: readText(form, 'default_payment_method', before.defaultPaymentMethod),
    collectionMethod: method,
    daysUntilDue: days ? Number(days) : before.daysUntilDue,
    cancelAtPeriodEnd: form.has('cancel_at_period_end')
      ? readFlag(form, 'cancel_at_period_end')
      : before.cancelAtPeriodEnd,
    description: readText(form, 'description', before.description),
  };
}

function readPause({ form }: Call, { pauseCollection }: Subscription) {
  if (form.text('pause_collection') === '') return null;
  return form.map('pause_collection') ?? pauseCollection;
}

/** `now`, or seconds since 1970. */
function readMoment({ form, now }: Call, name: string): number | undefined {
  const text = form.text(name);
  if (text === undefined || text === '' || text === 'unchanged') return undefined;
  return text === 'now' ? now : Number(text);
}

/** `billing_cycle_anchor` is a word in older versions and an object with a `type` in newer ones. */
function anchorOf({ form }: Call, prefix: string): string | undefined {
  const name = inside(prefix, 'billing_cycle_anchor');
  return form.text(`${name}[type]`) ?? form.text(name);
}

function prorationOf({ form }: Call, prefix: string): string {
  return form.text(inside(prefix, 'proration_behavior')) ?? 'create_prorations';
}
