/** An account of API v2, as far as somebody needs one to name. No money stands here. */
import type { Kept, Kind } from './kept.ts';
import { moment } from './money-movement.ts';

export interface CoreAccount extends Kept {
  object: 'v2.core.account';
  displayName: string | null;
  contactEmail: string | null;
}

export const coreAccount: Kind<CoreAccount> = {
  show: (acct) => ({
    id: acct.id,
    object: 'v2.core.account',
    applied_configurations: [],
    closed: false,
    contact_email: acct.contactEmail,
    created: moment(acct.created),
    display_name: acct.displayName,
    livemode: false,
    metadata: acct.metadata,
  }),
};
