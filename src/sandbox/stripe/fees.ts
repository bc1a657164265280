/**
 * Takes an application fee with a payment and gives it back. A fee is the platform's object, also
 * when the payment was made for a connected account.
 */
import type { AccountBooks } from './account-books.ts';
import { newId } from './ids.ts';
import type { ApplicationFee, FeeRefund } from './objects/application-fee.ts';
import type { Charge } from './objects/charge.ts';

/** Called when a charge's money is captured; once, for the whole fee. */
export function collectFee(books: AccountBooks, charge: Charge): void {
  const payer = books.account ?? charge.destination;
  if (!charge.feeAmount || charge.applicationFee || !payer) return;
  const fee = books.platform.add<ApplicationFee>(
    {
      id: newId('fee_1', 23),
      created: books.now,
      metadata: {},
      amount: charge.feeAmount,
      currency: charge.currency,
      object: 'application_fee',
      payer,
      charge: charge.id,
      amountRefunded: 0,
    },
    'application_fee.created',
  );
  charge.applicationFee = fee.id;
}

/** `books`: the platform's. The caller checks how much. */
export function refundFee(
  books: AccountBooks,
  fee: ApplicationFee,
  amount: number,
  metadata: Record<string, string>,
): FeeRefund {
  fee.amountRefunded += amount;
  books.save(fee, 'application_fee.refunded');
  return books.add<FeeRefund>({
    id: newId('fr_1', 23),
    created: books.now,
    metadata,
    amount,
    currency: fee.currency,
    object: 'fee_refund',
    fee: fee.id,
  });
}

/** The part of the fee that belongs to a refund of `amount` of its charge. */
export function refundFeeOf(books: AccountBooks, charge: Charge, amount: number): void {
  const fee = books.platform.find('application_fee', charge.applicationFee ?? '');
  if (!fee) return;
  const share = Math.floor((fee.amount * amount) / charge.amountCaptured);
  const left = Math.min(share, fee.amount - fee.amountRefunded);
  if (left > 0) refundFee(books.platform, fee, left, {});
}
