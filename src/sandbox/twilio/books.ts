/**
 * The fake Twilio's own books: what was sent, what it cost, and what of it was said so far. Amounts
 * are bigint micro-dollars; every total changes in StandingBooks alone.
 */

import type { Clock } from '../../clock.ts';
import type { BooksOptions } from '../books.ts';
import { type Standable, type Standing, StandingBooks } from '../standing-books.ts';
import { type CallRecord, standingOfCall } from './call.ts';
import { type MessageRecord, standingOfMessage } from './message.ts';
import type { Bucket, Kind, Place, Unit } from './places.ts';
import { standingOfVerification, type VerificationRecord } from './verification.ts';

/** Kept for its cost alone. */
export interface LookupRecord extends Standable<Place, Unit> {
  object: 'lookup';
  micros: bigint;
}

export type TwilioRecord = MessageRecord | CallRecord | VerificationRecord | LookupRecord;

export type RecordOf<Object extends TwilioRecord['object']> = Extract<
  TwilioRecord,
  { object: Object }
>;

const KINDS: readonly Kind[] = ['sms', 'mms', 'call', 'verification', 'lookup'];
const MESSAGES: readonly Kind[] = ['sms', 'mms'];
const SENT: readonly Bucket[] = ['owed', 'billed', 'free'];

export class TwilioBooks extends StandingBooks<TwilioRecord, Place, Unit> {
  constructor(options: BooksOptions, clock: Pick<Clock, 'now'>) {
    super(options, clock, ['count', 'segments', 'micros']);
  }

  /** What stands there, of one kind or of all. */
  in(bucket: Bucket, kinds: Kind | readonly Kind[] = KINDS): Record<Unit, bigint> {
    return this.total(...[kinds].flat().map((kind): Place => `${bucket}.${kind as Kind}`));
  }

  /** Messages that went out: none that are scheduled or were cancelled. */
  sentMessages(): Record<Unit, bigint> {
    const places = SENT.flatMap((bucket) => MESSAGES.map((kind): Place => `${bucket}.${kind}`));
    return this.total(...places);
  }

  /** Whose price was stated, or that have none to state and were billed at once. */
  billedMicros(kind?: Kind): bigint {
    return this.in('billed', kind).micros;
  }

  /** What was bought and is not billed yet. Nothing that is scheduled. */
  owedMicros(kind?: Kind): bigint {
    return this.in('owed', kind).micros;
  }

  /** What will be bought when nobody cancels it. */
  scheduledMicros(kind?: Kind): bigint {
    return this.in('scheduled', kind).micros;
  }

  get<Object extends TwilioRecord['object']>(
    object: Object,
    id: string,
  ): RecordOf<Object> | undefined {
    const record = this.find(id);
    return record?.object === object ? (record as RecordOf<Object>) : undefined;
  }

  /** All of a kind of object, newest first. */
  list<Object extends TwilioRecord['object']>(object: Object): RecordOf<Object>[] {
    return this.all().filter((record): record is RecordOf<Object> => record.object === object);
  }

  protected override standingOf(record: TwilioRecord, now: number): Standing<Place, Unit> {
    switch (record.object) {
      case 'message':
        return standingOfMessage(record, now);
      case 'call':
        return standingOfCall(record, now);
      case 'verification':
        return standingOfVerification(record);
      case 'lookup': {
        const amounts = { count: 1n, segments: 0n, micros: record.micros };
        return { place: 'billed.lookup', amounts, until: null };
      }
    }
  }
}
