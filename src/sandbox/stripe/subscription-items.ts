/** The items of a subscription by calls of their own: each is a change of the subscription. */
import { type Call, type Handler, listOf, type Routes, readMetadata } from './call.ts';
import { missing, noSuch } from './errors.ts';
import type { Json } from './objects/kept.ts';
import { type Subscription, type SubscriptionItem, showItem } from './objects/subscription.ts';
import { changeSubscription } from './subscribing.ts';
import { planOfChange, readItem } from './subscription-plan.ts';

const createItem: Handler = (call) => {
  const sub = named(call);
  const item = { ...readItem(call, ''), metadata: readMetadata(call.form) };
  return change(call, sub, [...sub.items, item], item);
};

const updateItem: Handler = (call) => {
  const [sub, before] = fromPath(call);
  const metadata = readMetadata(call.form, before.metadata);
  const item = { ...readItem(call, '', before), metadata };
  const items = sub.items.map((other) => (other === before ? item : other));
  return change(call, sub, items, item);
};

const deleteItem: Handler = (call) => {
  const [sub, item] = fromPath(call);
  const left = sub.items.filter((other) => other !== item);
  change(call, sub, left, item);
  return { id: item.id, object: 'subscription_item', deleted: true };
};

function change(
  call: Call,
  sub: Subscription,
  items: readonly SubscriptionItem[],
  item: SubscriptionItem,
): Json {
  const plan = planOfChange(call, sub, '', items);
  // The metadata of this request is the item's.
  plan.after.metadata = sub.metadata;
  const behavior = call.form.text('payment_behavior') ?? 'allow_incomplete';
  changeSubscription(call.books, sub, plan, behavior);
  return showItem(sub, item);
}

const retrieveItem: Handler = (call) => showItem(...fromPath(call));

const listItems: Handler = (call) => {
  const sub = named(call);
  return listOf(call, [...sub.items], (item) => showItem(sub, item));
};

function named(call: Call): Subscription {
  const id = call.form.text('subscription');
  if (!id) throw missing('subscription');
  const sub = call.books.find('subscription', id);
  if (!sub || sub.status === 'canceled') throw noSuch('subscription', id, 'subscription');
  return sub;
}

function fromPath({ books, id }: Call): [Subscription, SubscriptionItem] {
  for (const sub of books.all('subscription')) {
    const item = sub.items.find((one) => one.id === id);
    if (item && sub.status !== 'canceled') return [sub, item];
  }
  throw noSuch('subscription_item', id);
}

export const SUBSCRIPTION_ITEM_ROUTES: Routes = [
  ['POST /v1/subscription_items', createItem],
  ['GET /v1/subscription_items', listItems],
  ['GET /v1/subscription_items/*', retrieveItem],
  ['POST /v1/subscription_items/*', updateItem],
  ['DELETE /v1/subscription_items/*', deleteItem],
];
