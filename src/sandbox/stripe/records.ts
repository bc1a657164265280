/**
 * What the vendor keeps of each object: only what differs between two of a kind. The long JSON that
 * clients see is made from it when it is asked for (render.ts), so 100,000 payments fit in memory.
 */
import type { CardRefusal } from './cards.ts';

/**
 * Where an object's money stands. A PaymentIntent counts as `open` until it is confirmed and as
 * `declined` after a refusal that can be tried again; from then on its charge counts.
 */
export type Bucket =
  | 'open'
  | 'declined'
  | 'authorised'
  | 'payments'
  | 'refunds'
  | 'payouts'
  | 'transfers'
  | 'topups'
  | 'credits';

interface Kept {
  id: string;
  /** Seconds since 1970, as on the wire. */
  created: number;
  metadata: Record<string, string>;
}

interface Money extends Kept {
  /** Minor units. */
  amount: number;
  currency: string;
  /** What the books count of it now; written by StripeBooks.save alone. */
  bucket: Bucket | null;
  counted: number;
}

export interface PaymentIntent extends Money {
  object: 'payment_intent';
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'requires_capture'
    | 'succeeded'
    | 'canceled';
  captureMethod: 'automatic' | 'automatic_async' | 'manual';
  amountCapturable: number;
  amountReceived: number;
  customer: string | null;
  paymentMethod: string | null;
  description: string | null;
  latestCharge: string | null;
  lastRefusal: CardRefusal | null;
  canceledAt: number | null;
  cancellationReason: string | null;
}

export interface Charge extends Money {
  object: 'charge';
  /** `released`: an authorisation that was given up before capture. */
  state: 'authorised' | 'captured' | 'failed' | 'released';
  amountCaptured: number;
  amountRefunded: number;
  customer: string | null;
  paymentIntent: string | null;
  paymentMethod: string | null;
  description: string | null;
  refusal: CardRefusal | null;
}

export interface Refund extends Money {
  object: 'refund';
  status: 'pending' | 'succeeded';
  /** What really went back: `amount`, or nothing when an authorisation was let go. */
  moved: number;
  charge: string;
  paymentIntent: string | null;
  reason: string | null;
}

/** Money that moves without a card. */
export interface Fund extends Money {
  object: 'payout' | 'topup' | 'transfer';
  status: 'pending' | 'canceled' | 'paid';
  /** The payout's method, the topup's source, the transfer's destination: shown as given. */
  detail: string | null;
  description: string | null;
}

export interface BalanceTransaction extends Money {
  object: 'customer_balance_transaction';
  customer: string;
  endingBalance: number;
  description: string | null;
}

export interface Customer extends Kept {
  object: 'customer';
  email: string | null;
  name: string | null;
  description: string | null;
  balance: number;
  deleted: boolean;
}

export interface PaymentMethod extends Kept {
  object: 'payment_method';
  /** The test card it was made from: decides what a payment on it does. */
  card: string;
  customer: string | null;
}

export interface SetupIntent extends Kept {
  object: 'setup_intent';
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'succeeded'
    | 'canceled';
  customer: string | null;
  paymentMethod: string | null;
  usage: string;
}

export type MoneyRecord = PaymentIntent | Charge | Refund | Fund | BalanceTransaction;
export type StripeRecord = MoneyRecord | Customer | PaymentMethod | SetupIntent;
export type RecordOf<Kind extends StripeRecord['object']> = Kind extends Fund['object']
  ? Fund
  : Extract<StripeRecord, { object: Kind }>;
