/** The places in which the money of the fake Twilio can stand, and what is counted there. */

export type Kind = 'sms' | 'mms' | 'call' | 'verification' | 'lookup';

/**
 * `scheduled`: goes out later, can be cancelled · `owed`: went out or under way, its price is not
 * stated yet · `billed`: its price is stated · `cancelled`: would have cost this · `free`: ended
 * without a price.
 */
export type Bucket = 'scheduled' | 'owed' | 'billed' | 'cancelled' | 'free';

export type Place = `${Bucket}.${Kind}`;

/** `segments`: of messages alone. */
export type Unit = 'count' | 'segments' | 'micros';
