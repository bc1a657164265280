/**
 * Problem documents (RFC 9457): the one place where what went wrong on the control plane becomes
 * HTTP. It never writes out an unexpected error: its text is for the log.
 */
import { CATALOGUE, type ErrorCode } from '../errors.ts';
import { LedgerConflict, LedgerUnavailable } from '../ledger/ledger.ts';

/** One thing that is wrong with a request. `field` is a path such as `params.amount.max`. */
export interface FieldError {
  field: string;
  message: string;
}

/** Thrown by any step of a control-plane request; `detail` and `errors` are public. */
export class Problem extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;

  constructor(
    code: ErrorCode,
    detail: string,
    more: { errors?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.code = code;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

/** The problem for several wrong fields; the detail repeats them for those who read only that. */
export function invalidFields(errors: FieldError[]): Problem {
  const detail = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new Problem('invalid_request', detail, { errors });
}

/** Whatever was thrown, as a Problem; undefined when it is a fault of ours. */
export function problemOf(thrown: unknown): Problem | undefined {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof LedgerConflict) return new Problem('conflict', thrown.message);
  if (thrown instanceof LedgerUnavailable) {
    return new Problem('ledger_unavailable', 'the ledger cannot be reached; nothing was changed', {
      headers: { 'retry-after': '1' },
    });
  }
  return undefined;
}

/** The document. `requestId` names the log line of a fault of ours; `more`: further members. */
export function problemResponse(problem: Problem, requestId?: string, more?: object): Response {
  const { status, title } = CATALOGUE[problem.code];
  const body = {
    type: `/docs/errors.md#${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.message,
    ...(problem.errors && { errors: problem.errors }),
    ...(requestId !== undefined && { request_id: requestId }),
    ...more,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...problem.headers,
    },
  });
}
