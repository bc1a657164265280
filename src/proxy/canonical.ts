/**
 * The one form of a request target. It is matched in this form and sent in this form, so there is
 * no second reading for a vendor's parser to prefer. Whatever would need a choice is refused.
 */
import { type Refusal, refusal } from '../errors.ts';

export interface CanonicalTarget {
  /** Begins with `/`; unreserved characters stand for themselves, all others are `%XX`. */
  readonly path: string;
  /** Without the `?`, as it came; empty when there is none. */
  readonly query: string;
}

const MAX_TARGET = 8_192;
/** RFC 3986, 3.3: what may stand in a path segment as it is. `;` may, and is refused below. */
const PLAIN = /^[A-Za-z0-9\-._~!$&'()*+,=:@/]*$/;
const QUERY = /^[A-Za-z0-9\-._~!$&'()*+,=:@/?[\]%|"<>^`{} ]*$/;
const UNRESERVED = /^[A-Za-z0-9\-_~]$/;

/** The canonical target, or `request_ambiguous` with what is wrong and the form to use. */
export function canonicalTarget(target: string): CanonicalTarget | Refusal {
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  const fault = faultIn(rawPath, query);
  if (fault) return refusal('request_ambiguous', `${fault}.`);
  const path = rawPath.includes('%') ? decodeUnreserved(rawPath) : rawPath;
  if (!path) return refusal('request_ambiguous', 'The path has a broken % escape.');
  const segment = path.split('/').find((each) => each === '.' || each === '..');
  if (segment) return refusal('request_ambiguous', `The path has the segment "${segment}".`);
  return { path, query };
}

function faultIn(path: string, query: string): string | null {
  if (path.length + query.length > MAX_TARGET)
    return 'The path and query are over 8,192 characters';
  if (!path.startsWith('/')) return 'The request target must begin with "/", without a host';
  if (path.includes('//')) return 'The path has an empty segment ("//"); write one "/"';
  if (path.length > 1 && path.endsWith('/')) return 'The path ends with "/"; leave it out';
  if (path.includes('\\')) return 'The path has a "\\"; write "/"';
  if (path.includes(';')) return 'The path has a ";"; path parameters have no single meaning';
  const escaped = /%(?:2e|2f|5c|3b|25|3f|23|0[0-9a-f]|1[0-9a-f]|7f)/i.exec(path)?.[0];
  if (escaped) return `The path has ${escaped}, which some servers decode before they read it`;
  if (!PLAIN.test(path.replace(/%[0-9A-Fa-f]{2}/g, ''))) {
    return 'The path has a character that must be percent-encoded';
  }
  if (!QUERY.test(query)) return 'The query has a character that must be percent-encoded';
  return null;
}

/** Decodes %41 to A, writes all other escapes in upper case; null when bytes are not UTF-8. */
function decodeUnreserved(path: string): string | null {
  try {
    decodeURIComponent(path);
  } catch {
    return null;
  }
  return path.replace(/%[0-9A-Fa-f]{2}/g, (triple) => {
    const char = String.fromCharCode(Number.parseInt(triple.slice(1), 16));
    return UNRESERVED.test(char) ? char : triple.toUpperCase();
  });
}
