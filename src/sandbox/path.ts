/**
 * How a lenient vendor reads percent signs and paths. On purpose: a proxy that lets through what it
 * reads another way is found out by what happens here. Never throws; what cannot be decoded is
 * taken as it stands.
 */

export function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/**
 * The path that a lenient vendor would route: percent signs decoded, backslashes turned, matrix
 * parameters dropped, dots and empty segments resolved, a trailing slash ignored.
 */
export function readPath(raw: string): string {
  if (!/[%\\;]|\/\/|\/\.|.\/$/.test(raw)) return raw;
  const segments: string[] = [];
  for (const segment of decode(raw).replaceAll('\\', '/').split('/')) {
    const name = segment.replace(/;.*$/, '');
    if (name === '..') segments.pop();
    else if (name !== '' && name !== '.') segments.push(name);
  }
  return `/${segments.join('/')}`;
}
