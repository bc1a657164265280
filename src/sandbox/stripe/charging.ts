/**
 * Makes charges and changes them, for PaymentIntents, invoices and the older API alike: the one
 * place where card money is taken, captured and let go.
 */
import type { AccountBooks } from './account-books.ts';
import type { CardRefusal } from './cards.ts';
import { conflict } from './errors.ts';
import { collectFee } from './fees.ts';
import { newObjectId } from './ids.ts';
import type { Charge } from './objects/charge.ts';

export interface NewCharge {
  amount: number;
  currency: string;
  customer: string | null;
  paymentIntent: string | null;
  paymentMethod: string | null;
  description: string | null;
  metadata: Record<string, string>;
  feeAmount: number | null;
  destination: string | null;
}

/** How the attempt went: `pending` is a bank debit, paid or failed days later. */
export type Attempt = 'captured' | 'authorised' | 'pending' | CardRefusal;

export function addCharge(books: AccountBooks, from: NewCharge, attempt: Attempt): Charge {
  const state = typeof attempt === 'string' ? attempt : 'failed';
  const refusal = typeof attempt === 'string' ? null : attempt;
  const events = { captured: 'succeeded', authorised: 'succeeded', pending: 'pending' };
  const charge = books.add<Charge>(
    {
      id: newObjectId(state === 'pending' ? 'py_3' : 'ch_3', 23),
      created: books.now,
      object: 'charge',
      ...from,
      state,
      amountCaptured: state === 'captured' ? from.amount : 0,
      amountRefunded: 0,
      refusal,
      applicationFee: null,
    },
    `charge.${state === 'failed' ? 'failed' : events[state]}`,
  );
  if (state === 'captured' && charge.feeAmount) {
    collectFee(books, charge);
    books.save(charge);
  }
  return charge;
}

/** The bank debit ended: `refusal` when it failed. */
export function endPending(books: AccountBooks, charge: Charge, refusal: CardRefusal | null): void {
  charge.state = refusal ? 'failed' : 'captured';
  charge.amountCaptured = refusal ? 0 : charge.amount;
  charge.refusal = refusal;
  if (!refusal) collectFee(books, charge);
  books.save(charge, refusal ? 'charge.failed' : 'charge.succeeded');
}

/**
 * Takes `amount` of an authorisation. `final`: lets the rest go; otherwise more captures may follow.
 * Throws when there is no authorisation.
 */
export function captureCharge(
  books: AccountBooks,
  charge: Charge | undefined,
  amount: number,
  final: boolean,
): void {
  if (charge?.state !== 'authorised') throw notCapturable(charge);
  charge.amountCaptured += amount;
  if (final) charge.state = 'captured';
  collectFee(books, charge);
  books.save(charge, 'charge.captured');
}

/** Gives an authorisation, or a debit under way, up. */
export function releaseCharge(books: AccountBooks, charge: Charge): void {
  if (charge.state !== 'authorised' && charge.state !== 'pending') return;
  charge.state = 'released';
  books.save(charge);
}

export function notCapturable(charge: Charge | undefined) {
  return conflict(
    charge?.state === 'captured'
      ? `Charge ${charge.id} has already been captured.`
      : `Charge ${charge?.id ?? ''} can no longer be captured.`,
    charge?.state === 'captured' ? 'charge_already_captured' : 'charge_expired_for_capture',
  );
}
