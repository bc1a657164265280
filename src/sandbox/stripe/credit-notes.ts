/**
 * Credit notes. On a paid invoice the whole must be given back: as cash (`refund_amount`), as store
 * credit (`credit_amount`), or elsewhere (`out_of_band_amount`). What an open invoice still asks is
 * lowered first, and then no cash moves.
 */
import { readOptionalAmount, readQuantity, readSignedAmount } from './amounts.ts';
import {
  asItWas,
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readMetadata,
  readText,
} from './call.ts';
import { changeBalance, oldOrKnown } from './customer-balance.ts';
import { conflict, invalid, missing, noSuch } from './errors.ts';
import { newId } from './ids.ts';
import type { Charge } from './objects/charge.ts';
import type { CreditNote } from './objects/credit-note.ts';
import { type Invoice, remainingOf } from './objects/invoice.ts';
import { type New, render } from './records.ts';
import { refundable, refundCharge } from './refunding.ts';
import { payInvoice } from './settlement.ts';

/** What a credit note will do, checked, before it does it. */
interface Plan {
  invoice: Invoice;
  total: number;
  prePayment: number;
  refund: number;
  /** Where the refund comes from. */
  charge: Charge | undefined;
  credit: number;
  outOfBand: number;
  /** Refunds made before, which it only writes down. */
  earlier: { refund: string; amount: number }[];
}

const createCreditNote: Handler = (call) => {
  const { books } = call;
  const plan = plannedBy(call);
  const { invoice, charge } = plan;
  const id = newId('cn_1', 23);
  const refunds = [...plan.earlier];
  if (charge && plan.refund > 0) {
    const details = { reason: null, metadata: {} };
    const refund = refundCharge(books, charge, plan.refund, details);
    refunds.push({ refund: refund.id, amount: plan.refund });
  }
  const credited =
    plan.credit > 0
      ? changeBalance(books, oldOrKnown(books, invoice.customer), {
          amount: -plan.credit,
          currency: invoice.currency,
          type: 'credit_note',
          creditNote: id,
        })
      : null;
  invoice.preCredited += plan.prePayment;
  invoice.postCredited += plan.total - plan.prePayment;
  books.save(invoice, 'invoice.updated');
  const note = books.add<CreditNote>(
    { ...noteOf(call, plan, id), refunds, balanceTransaction: credited?.id ?? null },
    'credit_note.created',
  );
  if (invoice.status === 'open' && remainingOf(invoice) === 0) payInvoice(books, invoice, 0);
  return render(note);
};

/** Makes nothing; says what the same parameters would make. */
const previewCreditNote: Handler = (call) => {
  const plan = plannedBy(call);
  const refunds = [...plan.earlier];
  if (plan.refund > 0) refunds.push({ refund: 're_preview', amount: plan.refund });
  const note = { ...noteOf(call, plan, 'cn_preview'), refunds, account: call.books.account };
  return render(note);
};

function plannedBy(call: Call): Plan {
  const { form, books } = call;
  const invoiceId = form.text('invoice');
  if (!invoiceId) throw missing('invoice');
  const invoice = books.find('invoice', invoiceId);
  if (!invoice) throw noSuch('invoice', invoiceId, 'invoice');
  if (invoice.status !== 'open' && invoice.status !== 'paid') {
    throw conflict(
      `A credit note needs an open or paid invoice, not one that is ${invoice.status}.`,
      null,
    );
  }
  const refund = readOptionalAmount(form, 'refund_amount') ?? 0;
  const credit = readOptionalAmount(form, 'credit_amount') ?? 0;
  const outOfBand = readOptionalAmount(form, 'out_of_band_amount') ?? 0;
  const earlier = earlierRefunds(call);
  const given = refund + credit + outOfBand + earlier.reduce((sum, one) => sum + one.amount, 0);
  const total = readOptionalAmount(form) ?? sumOfLines(call, invoice) ?? given;
  if (total < 1) throw missing('amount');
  const left = invoice.amount - invoice.preCredited - invoice.postCredited;
  if (total > left) {
    throw conflict(
      `The credit note's amount (${total}) is greater than what is left of the invoice (${left}).`,
      null,
      { param: 'amount' },
    );
  }
  const prePayment = invoice.status === 'open' ? Math.min(total, remainingOf(invoice)) : 0;
  if (given !== total - prePayment) {
    throw invalid(
      `The sum of credit amount, refund amount and out of band amount (${given}) must equal the post payment amount (${total - prePayment}).`,
    );
  }
  const charge = chargeOf(call, invoice);
  if (refund > 0 && (!charge || refund > refundable(charge))) {
    throw conflict('The refund amount is greater than what can be refunded.', 'amount_too_large', {
      param: 'refund_amount',
    });
  }
  return { invoice, total, prePayment, refund, charge, credit, outOfBand, earlier };
}

function chargeOf({ books }: Call, invoice: Invoice): Charge | undefined {
  const payment = books.find('payment_intent', invoice.paymentIntent ?? '');
  return books.find('charge', payment?.latestCharge ?? '');
}

function earlierRefunds({ form, books }: Call): Plan['earlier'] {
  return form.groups('refunds').map((prefix) => {
    const id = form.text(`${prefix}[refund]`) ?? '';
    const refund = books.find('refund', id);
    if (!refund) throw noSuch('refund', id, `${prefix}[refund]`);
    const amount = readOptionalAmount(form, `${prefix}[amount_refunded]`) ?? refund.amount;
    return { refund: id, amount };
  });
}

function sumOfLines({ form }: Call, invoice: Invoice): number | undefined {
  const lines = form.groups('lines');
  if (lines.length === 0) return undefined;
  return lines.reduce((sum, prefix) => {
    const whole = readSignedAmount(form, `${prefix}[amount]`);
    const quantity = readQuantity(form, `${prefix}[quantity]`);
    const each = readSignedAmount(form, `${prefix}[unit_amount]`);
    const named = invoice.lines.find(({ id }) => id === form.text(`${prefix}[invoice_line_item]`));
    const ofLine = named && Math.round((named.amount * quantity) / named.quantity);
    return sum + (whole ?? (each === undefined ? ofLine : each * quantity) ?? 0);
  }, 0);
}

function noteOf(call: Call, plan: Plan, id: string): New<CreditNote> {
  const { form } = call;
  return {
    id,
    created: call.now,
    metadata: readMetadata(form),
    object: 'credit_note',
    status: 'issued',
    invoice: plan.invoice.id,
    customer: plan.invoice.customer,
    currency: plan.invoice.currency,
    total: plan.total,
    prePayment: plan.prePayment,
    outOfBand: plan.outOfBand,
    refunds: [],
    balanceTransaction: null,
    memo: readText(form, 'memo'),
    reason: readText(form, 'reason'),
    voidedAt: null,
  };
}

const updateCreditNote: Handler = (call) => {
  const note = fromPath(call, 'credit_note');
  const before = asItWas(note);
  note.memo = readText(call.form, 'memo', note.memo);
  note.metadata = readMetadata(call.form, note.metadata);
  call.books.save(note, 'credit_note.updated', before);
  return render(note);
};

/** Only on an open invoice: it asks again what the note had taken off. */
const voidCreditNote: Handler = (call) => {
  const note = fromPath(call, 'credit_note');
  const invoice = call.books.find('invoice', note.invoice);
  if (note.status === 'void' || invoice?.status !== 'open') {
    throw conflict('You can only void a credit note of an open invoice.', null);
  }
  note.status = 'void';
  note.voidedAt = call.now;
  call.books.save(note, 'credit_note.voided');
  invoice.preCredited -= note.prePayment;
  call.books.save(invoice, 'invoice.updated');
  return render(note);
};

const retrieveCreditNote: Handler = (call) => render(fromPath(call, 'credit_note'));

const listCreditNotes: Handler = (call) => {
  const all = call.books.all('credit_note');
  const ofInvoice = filtered(call.form, 'invoice', all, (note) => note.invoice);
  return list(
    call,
    filtered(call.form, 'customer', ofInvoice, (note) => note.customer),
  );
};

export const CREDIT_NOTE_ROUTES: Routes = [
  ['POST /v1/credit_notes', createCreditNote],
  ['GET /v1/credit_notes', listCreditNotes],
  ['GET /v1/credit_notes/preview', previewCreditNote],
  ['GET /v1/credit_notes/*', retrieveCreditNote],
  ['POST /v1/credit_notes/*', updateCreditNote],
  ['POST /v1/credit_notes/*/void', voidCreditNote],
];
