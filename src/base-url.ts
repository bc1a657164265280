/**
 * Where an account's requests may be sent. The address comes from an administrator, yet a real
 * secret travels there: encrypted, and never into a private network or to a cloud's metadata
 * service. Checks the address as written; what a name resolves to is the forwarder's to check.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Private, link-local (169.254.169.254 is every cloud's metadata), reserved, and tunnels to them. */
const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
}

/** All of IPv6 that is public unicast; from it the tunnels and documentation are taken out. */
const PUBLIC_V6 = new BlockList();
PUBLIC_V6.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');
}

/** The address without a slash at its end. Throws Error that says what it must be. */
export function readBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new Error('must be an address such as https://api.stripe.com');
  }
  if (url.username || url.password) throw new Error('must not hold credentials');
  if (/[?#]/.test(text)) throw new Error('must not have a query or fragment');
  // The parser has brought 0x7f.1, 2130706433 and [::ffff:a00:1] into one form by now.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const loopback = isLoopback(host);
  if (!loopback && !isPublic(host)) {
    throw new Error('must not be a private, link-local or metadata address');
  }
  if (url.protocol === 'http:' && !loopback) {
    throw new Error('must be https; http is for this machine (127.0.0.1) only');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4');
  if (isIPv6(host)) return LOOPBACK.check(host, 'ipv6');
  return host === 'localhost' || host.endsWith('.localhost');
}

function isPublic(host: string): boolean {
  if (isIPv4(host)) return !NOT_PUBLIC.check(host, 'ipv4');
  if (isIPv6(host)) return PUBLIC_V6.check(host, 'ipv6') && !NOT_PUBLIC.check(host, 'ipv6');
  // `.internal` is reserved for private use; clouds put their metadata service there.
  return host.includes('.') && !/\.(internal|local)$/.test(host);
}
