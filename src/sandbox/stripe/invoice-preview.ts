/**
 * The preview of an invoice: what a subscription's creation, change, end or renewal would ask. Goes
 * by the same plans as the calls themselves, and keeps nothing.
 */
import { periodFrom, wholeLines } from './billing.ts';
import { type Call, type Handler, type Routes, readCustomer, readFlag } from './call.ts';
import { invalid, noSuch } from './errors.ts';
import { readItem } from './invoice-items.ts';
import { draftOf, lineOf, pendingItems } from './invoicing.ts';
import type { InvoiceLine } from './objects/invoice.ts';
import type { Subscription } from './objects/subscription.ts';
import { type New, render } from './records.ts';
import { waitingItems } from './subscribing.ts';
import { planOfChange, planOfEnd, planOfNew, planOfResumption } from './subscription-plan.ts';

const DETAILS = 'subscription_details';

const createPreview: Handler = (call) => {
  const { form, books } = call;
  const id = form.text('subscription');
  const sub = id ? books.find('subscription', id) : undefined;
  if (id && !sub) throw noSuch('subscription', id, 'subscription');
  const customer = sub?.customer ?? readCustomer(call) ?? 'cus_preview';
  const [currency, lines] = sub ? ofKnown(call, sub) : ofNew(call, customer);
  for (const prefix of form.groups('invoice_items')) {
    lines.push(lineOf({ ...readItem(call, prefix, customer, currency), ...UNKEPT }));
  }
  if (lines.length === 0) {
    throw invalid('No upcoming invoices for customer', undefined, 'invoice_upcoming_none');
  }
  const draft = draftOf(books, {
    customer,
    currency,
    lines,
    billingReason: 'upcoming',
    subscription: sub?.id ?? null,
  });
  const preview = { ...draft, ...UNKEPT, id: draft.id.replace(/^in_/, 'upcoming_in_') };
  return render(preview);
};

const UNKEPT = { account: null, counted: null };

function ofNew(call: Call, customer: string): [string, InvoiceLine[]] {
  const { form, books } = call;
  if (form.groups(`${DETAILS}[items]`).length > 0) {
    const { after, lines } = planOfNew(call, customer, DETAILS);
    return [after.currency, lines];
  }
  const pending = pendingItems(books, customer, form.text('currency'));
  return [pending[0]?.currency ?? form.text('currency') ?? 'usd', pending.map(lineOf)];
}

/** The invoice of the change when it is billed at once, else the renewal after it. */
function ofKnown(call: Call, sub: Subscription): [string, InvoiceLine[]] {
  const { form, books } = call;
  const plan = readFlag(form, `${DETAILS}[cancel_now]`)
    ? planOfEnd(call, sub, DETAILS)
    : form.text(`${DETAILS}[resume_at]`) === 'now'
      ? planOfResumption(call, sub)
      : planOfChange(call, sub, DETAILS);
  const waiting = waitingItems(books, sub).map(lineOf);
  const lines = [...waiting, ...plan.lines];
  if (!plan.bills && plan.after.status !== 'canceled') lines.push(...renewal(plan.after));
  return [sub.currency, lines];
}

function renewal(sub: New<Subscription>): InvoiceLine[] {
  return wholeLines(sub.id, sub.items, periodFrom(sub.period.end, sub.items));
}

export const INVOICE_PREVIEW_ROUTES: Routes = [['POST /v1/invoices/create_preview', createPreview]];
