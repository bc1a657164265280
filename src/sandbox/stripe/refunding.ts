/** Gives money of a charge back, for refunds and credit notes alike. The callers check how much. */
import type { AccountBooks } from './account-books.ts';
import { refundsLate } from './cards.ts';
import { newObjectId } from './ids.ts';
import type { Charge } from './objects/charge.ts';
import type { Refund } from './objects/refund.ts';
import { cardOf } from './payment-methods.ts';

export interface RefundDetails {
  reason: string | null;
  metadata: Record<string, string>;
}

/** What can still be given back of a charge. */
export function refundable(charge: Charge): number {
  return charge.state === 'captured' ? charge.amountCaptured - charge.amountRefunded : 0;
}

export function refundCharge(
  books: AccountBooks,
  charge: Charge,
  amount: number,
  details: RefundDetails,
): Refund {
  charge.amountRefunded += amount;
  books.save(charge, 'charge.refunded');
  return addRefund(books, charge, amount, amount, details);
}

/** Lets an authorisation of the older API go: shown as a refund, though nothing moves. */
export function refundUncaptured(
  books: AccountBooks,
  charge: Charge,
  details: RefundDetails,
): Refund {
  charge.state = 'released';
  charge.amountRefunded = charge.amount;
  books.save(charge, 'charge.refunded');
  return addRefund(books, charge, charge.amount, 0, details);
}

function addRefund(
  books: AccountBooks,
  charge: Charge,
  amount: number,
  moved: number,
  { reason, metadata }: RefundDetails,
): Refund {
  const late = refundsLate(cardOf(books, charge.paymentMethod ?? ''));
  return books.add<Refund>(
    {
      id: newObjectId('re_3', 23),
      created: books.now,
      metadata,
      amount,
      moved,
      currency: charge.currency,
      object: 'refund',
      status: late ? 'pending' : 'succeeded',
      charge: charge.id,
      paymentIntent: charge.paymentIntent,
      reason,
    },
    'refund.created',
  );
}
