/**
 * The fake Resend's own books: e-mails and their recipients. What one costs is not the vendor's to
 * say: the price is the plan's, per recipient.
 */
import type { Clock } from '../../clock.ts';
import type { BooksOptions } from '../books.ts';
import { type Standing, StandingBooks } from '../standing-books.ts';
import { type EmailRecord, type Place, standingOfEmail, type Unit } from './email.ts';

export class ResendBooks extends StandingBooks<EmailRecord, Place, Unit> {
  constructor(options: BooksOptions, clock: Pick<Clock, 'now'>) {
    super(options, clock, ['emails', 'recipients']);
  }

  /** All that were taken in: billed, scheduled and cancelled. */
  accepted(): Record<Unit, bigint> {
    return this.total('billed', 'scheduled', 'cancelled');
  }

  protected override standingOf(email: EmailRecord, now: number): Standing<Place, Unit> {
    return standingOfEmail(email, now);
  }
}
