/**
 * The `expand` parameter: puts objects in the place of their ids, and adds the fields that are shown
 * on demand alone. Changes the JSON of one reply, never a record.
 */
import type { AccountBooks } from './account-books.ts';
import type { Json } from './objects/kept.ts';
import { render, type StripeRecord } from './records.ts';

/** `path`: `latest_charge`, `data.customer`. What is not there is ignored. */
export function expand(books: AccountBooks, object: Json, path: string): void {
  const dot = path.indexOf('.');
  const name = dot < 0 ? path : path.slice(0, dot);
  let value = object[name] ?? onDemand(books, object, name);
  if (typeof value === 'string') {
    const record = books.get(value);
    if (record) value = render(record);
  }
  if (value === undefined) return;
  object[name] = value;
  if (dot < 0 || typeof value !== 'object' || value === null) return;
  const rest = path.slice(dot + 1);
  for (const item of Array.isArray(value) ? value : [value]) expand(books, item as Json, rest);
}

function onDemand(books: AccountBooks, object: Json, name: string): Json | undefined {
  switch (`${object.object}.${name}`) {
    case 'invoice.payments':
      return listed(books.all('invoice_payment').filter(({ invoice }) => invoice === object.id));
    case 'invoice.confirmation_secret': {
      const open = books.all('invoice_payment').find(({ invoice }) => invoice === object.id);
      const payment = books.find('payment_intent', open?.paymentIntent ?? '');
      return payment && { client_secret: render(payment).client_secret, type: 'payment_intent' };
    }
    case 'charge.refunds':
      return listed(books.all('refund').filter(({ charge }) => charge === object.id));
    default:
      return undefined;
  }
}

function listed(records: StripeRecord[]): Json {
  return { object: 'list', data: records.map(render), has_more: false };
}
