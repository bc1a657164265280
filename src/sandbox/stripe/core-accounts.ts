/** Accounts of API v2, as little as naming one needs. */
import { fromPath, type Handler, listInV2, type Routes, readMetadata, readText } from './call.ts';
import { newId } from './ids.ts';
import type { CoreAccount } from './objects/core-account.ts';
import { render } from './records.ts';

const createAccount: Handler = (call) => {
  const account = call.books.add<CoreAccount>(
    {
      id: newId('acct_1', 16),
      created: call.now,
      metadata: readMetadata(call.form),
      object: 'v2.core.account',
      displayName: readText(call.form, 'display_name'),
      contactEmail: readText(call.form, 'contact_email'),
    },
    'v2.core.account.created',
  );
  return render(account);
};

const retrieveAccount: Handler = (call) => render(fromPath(call, 'v2.core.account'));

const listAccounts: Handler = (call) => listInV2(call, call.books.all('v2.core.account'), render);

export const CORE_ACCOUNT_ROUTES: Routes = [
  ['POST /v2/core/accounts', createAccount],
  ['GET /v2/core/accounts', listAccounts],
  ['GET /v2/core/accounts/*', retrieveAccount],
];
