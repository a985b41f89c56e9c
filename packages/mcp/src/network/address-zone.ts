import { BlockList, isIP } from 'node:net';

/**
 * Which network an address is in. `never`: no server is there that anybody should be sent to (metadata services of
 * clouds, multicast, reserved and unspecified addresses).
 */
export type Zone = 'public' | 'private' | 'loopback' | 'link-local' | 'never';

/** RFC 6890 and its registries; the metadata services of AWS, Azure, GCP, Oracle, DigitalOcean and Alibaba. */
const ranges: readonly (readonly [Exclude<Zone, 'public'>, ...string[]])[] = [
  ['never', '169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', '100.100.100.200/32'],
  ['never', 'fd00:ec2::254/128', 'fd00:ec2::23/128', 'fd20:ce::254/128'],
  ['loopback', '127.0.0.0/8', '::1/128'],
  ['link-local', '169.254.0.0/16', 'fe80::/10'],
  ['private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'],
  ['private', 'fc00::/7', 'fec0::/10'],
  ['never', '0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15'],
  ['never', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ['never', '::/128', '100::/64', '2001::/23', '2001:db8::/32', '3fff::/20', 'ff00::/8'],
];

const lists = ranges.map(([zone, ...subnets]) => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return [zone, list] as const;
});

/** The 16-bit groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const read = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = read(head);
  if (tail === undefined) return before;
  const after = read(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 (RFC 6052, 8215), 6to4. */
function embedded(address: string): string | undefined {
  const groups = groupsOf(address);
  const at = (index: number): string => {
    const [high = 0, low = 0] = groups.slice(index);
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  };
  const zeros = groups.findIndex((group) => group !== 0);
  if (zeros === 5 && groups[5] === 0xffff) return at(6);
  if (zeros === 6 || (zeros === 7 && (groups[7] ?? 0) > 1)) return at(6);
  if (zeros === 4 && groups[4] === 0xffff) return at(6);
  if (groups[0] === 0x64 && groups[1] === 0xff9b) return at(6);
  if (groups[0] === 0x2002) return at(1);
  return undefined;
}

/** The zone of a literal address. What is no address is in none, so it is `never`. */
export function zoneOf(address: string): Zone {
  const kind = isIP(address);
  if (kind === 0) return 'never';
  if (kind === 6) {
    const inner = embedded(address);
    if (inner !== undefined) return zoneOf(inner);
  }
  const plain = address.replace(/%.*$/, '');
  return lists.find(([, list]) => list.check(plain, kind === 6 ? 'ipv6' : 'ipv4'))?.[0] ?? 'public';
}

/** The address that a URL's host is, if it is one and no name. */
export function literalHost({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? undefined : host;
}

/** `localhost` and the names below it, which are loopback by RFC 6761. */
export const isLocalName = ({ hostname }: URL): boolean => /(?:^|\.)localhost\.?$/.test(hostname);

/** The zone of a URL's host, as far as the URL alone says it: a name is looked up by whoever connects to it. */
export function zoneOfAddress(url: URL): Zone {
  const literal = literalHost(url);
  if (literal !== undefined) return zoneOf(literal);
  return isLocalName(url) ? 'loopback' : 'public';
}
