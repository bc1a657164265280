/**
 * Subscriptions. What a call costs is what its first invoice, or the invoice of the change, asks; the
 * trap: after a change that bills nothing, `latest_invoice` is still the old, paid one.
 */
import {
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readCustomer,
} from './call.ts';
import { conflict, missing, noSuch } from './errors.ts';
import { readItem } from './invoice-items.ts';
import type { InvoiceItem } from './objects/invoice-item.ts';
import type { Subscription } from './objects/subscription.ts';
import { type New, render } from './records.ts';
import { changeSubscription, endSubscription, startSubscription } from './subscribing.ts';
import { planOfChange, planOfEnd, planOfNew, planOfResumption } from './subscription-plan.ts';

const createSubscription: Handler = (call) => {
  const customer = readCustomer(call);
  if (!customer) throw missing('customer');
  const plan = planOfNew(call, customer);
  const items = addedItems(call, plan.after);
  return render(startSubscription(call.books, plan, items, behaviorOf(call)));
};

const updateSubscription: Handler = (call) => {
  const sub = living(call);
  const plan = planOfChange(call, sub);
  changeSubscription(call.books, sub, plan, behaviorOf(call), addedItems(call, sub));
  return render(sub);
};

const cancelSubscription: Handler = (call) => {
  const sub = living(call);
  endSubscription(call.books, sub, planOfEnd(call, sub));
  return render(sub);
};

const pauseSubscription: Handler = (call) => {
  const sub = living(call);
  if (sub.status !== 'active' && sub.status !== 'trialing') throw wrongState(sub, 'paused');
  sub.status = 'paused';
  call.books.save(sub, 'customer.subscription.paused');
  return render(sub);
};

/** It goes on when the invoice that this makes is paid, or at once when nothing is billed. */
const resumeSubscription: Handler = (call) => {
  const sub = living(call);
  if (sub.status !== 'paused') throw wrongState(sub, 'resumed');
  changeSubscription(call.books, sub, planOfResumption(call, sub), behaviorOf(call));
  return render(sub);
};

const retrieveSubscription: Handler = (call) => render(fromPath(call, 'subscription'));

/** Without `status`: all that are not canceled. */
const listSubscriptions: Handler = (call) => {
  const { form } = call;
  const status = form.text('status') ?? 'living';
  const all = call.books
    .all('subscription')
    .filter(
      (sub) =>
        status === 'all' ||
        (status === 'living' ? sub.status !== 'canceled' : sub.status === status),
    );
  return list(
    call,
    filtered(form, 'customer', all, (sub) => sub.customer),
  );
};

/** `add_invoice_items`: billed with the invoice that the call makes. */
function addedItems(call: Call, { customer, currency }: New<Subscription>): New<InvoiceItem>[] {
  return call.form
    .groups('add_invoice_items')
    .map((prefix) => readItem(call, prefix, customer, currency));
}

function behaviorOf({ form }: Call): string {
  return form.text('payment_behavior') ?? 'allow_incomplete';
}

function living(call: Call): Subscription {
  const sub = fromPath(call, 'subscription');
  if (sub.status === 'canceled') throw noSuch('subscription', call.id);
  return sub;
}

function wrongState(sub: Subscription, verb: string) {
  return conflict(`A subscription that is ${sub.status} cannot be ${verb}.`, null);
}

export const SUBSCRIPTION_ROUTES: Routes = [
  ['POST /v1/subscriptions', createSubscription],
  ['GET /v1/subscriptions', listSubscriptions],
  ['GET /v1/subscriptions/*', retrieveSubscription],
  ['POST /v1/subscriptions/*', updateSubscription],
  ['DELETE /v1/subscriptions/*', cancelSubscription],
  ['POST /v1/subscriptions/*/pause', pauseSubscription],
  ['POST /v1/subscriptions/*/resume', resumeSubscription],
];
