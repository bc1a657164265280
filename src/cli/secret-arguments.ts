/**
 * Refuses secrets on the command line, before anything parses or prints the arguments: what is
 * typed there stays in the shell's history and is readable in the process list by every user.
 * The message never repeats the argument.
 */
import { CliError, EXIT } from './exit.ts';

const TYPE_IT = 'Replace it at the vendor, then type the new one at the prompt, or pipe it.';

const FORMS: readonly { what: string; form: RegExp; remedy: string }[] = [
  {
    what: 'a Stripe secret',
    form: /(?:^|[^A-Za-z0-9])(?:sk|rk)_(?:live|test|org)_\w+|whsec_\w{8,}/,
    remedy: 'Roll it in the Stripe dashboard, then type the new one at the prompt, or pipe it.',
  },
  {
    what: 'a vault key',
    form: /vault_key_(?:sandbox_)?[0-9a-hjkmnp-tv-z]{16,}/,
    remedy: 'Revoke it by its id (`keybrake keys revoke key_…`) and issue a new one.',
  },
  {
    what: 'a management key',
    form: /keybrake_(?:admin|issuer|auditor)_\w{8,}/,
    remedy: 'Replace it, and put the new one in KEYBRAKE_API_KEY or the api-key file.',
  },
  {
    what: 'a Resend secret',
    form: /(?:^|[^A-Za-z0-9])re_[A-Za-z0-9]{8,}_\w+/,
    remedy: 'Roll it in the Resend dashboard, then type the new one at the prompt, or pipe it.',
  },
  {
    what: 'a SendGrid secret',
    form: /(?:^|[^A-Za-z0-9])SG\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/,
    remedy: 'Replace it in SendGrid, then type the new one at the prompt, or pipe it.',
  },
  {
    what: 'a database password',
    form: /^(?:--database-url=)?postgres(?:ql)?:\/\/[^/@:]*:[^/@]+@/,
    remedy: 'Change the password, and put the address in KEYBRAKE_DATABASE_URL.',
  },
  {
    what: 'an option with a secret',
    form: /^--?(?:secret|api-?key|auth-?token|token|password|master-?key|stripe-secret|resend-secret)(?:=|$)/i,
    remedy: 'There is none: secrets come from a prompt, standard input or the environment.',
  },
];

/** Throws a CliError (wrong usage) when an argument looks like a secret. */
export function refuseSecretArguments(argv: readonly string[]): void {
  for (const argument of argv) {
    const found = FORMS.find(({ form }) => form.test(argument));
    if (found) throw leaked(found.what, found.remedy);
  }
}

/** The error for a secret that was given as an argument; it never repeats the argument. */
export function leaked(what: string, remedy = TYPE_IT): CliError {
  return new CliError(
    EXIT.usage,
    `An argument looks like ${what}, so nothing was done.\n` +
      "It is now in your shell's history and was visible in the process list: treat it as leaked.\n" +
      remedy,
  );
}
