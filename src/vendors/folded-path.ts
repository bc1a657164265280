/**
 * A path as the most lenient server would read it, for what must stay guarded under any spelling.
 */

/** Its segments in lower case, percent-decoded, without the empty ones. */
export function foldedPath(path: string): string[] {
  let plain = path;
  try {
    plain = decodeURIComponent(path);
  } catch {} // not UTF-8: what it says in clear is compared
  return plain
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
}
