/**
 * Where the fake Twilio sends to, and its list prices there: what the Pricing API states and what a
 * message costs unless the sandbox was given other prices. Of Twilio's order of size, not Twilio's.
 * Micro-dollars: a segment, or a minute of a call.
 */

export type NumberType = 'local' | 'mobile' | 'shortcode' | 'toll free';

export interface Carrier {
  carrier: string;
  mcc: string;
  mnc: string;
  /** By the kind of number that sends; what is not here costs what `local` does. */
  prices: Partial<Record<NumberType, bigint>> & { local: bigint };
}

export interface Country {
  iso: string;
  name: string;
  /** Digits that its numbers begin with, the country code first. */
  prefixes: string[];
  carriers: Carrier[];
  voice: { name: string; prefixes: string[]; micros: bigint }[];
}

const carrier = (
  name: string,
  code: string,
  local: bigint,
  others: Partial<Record<NumberType, bigint>> = {},
): Carrier => {
  const [mcc = '', mnc = ''] = code.split('-');
  return { carrier: name, mcc, mnc, prices: { local, ...others } };
};

const northAmerican = { 'toll free': 8_300n, shortcode: 8_300n };

export const COUNTRIES: readonly Country[] = [
  {
    iso: 'US',
    name: 'United States',
    prefixes: ['1'],
    carriers: [
      carrier('AT&T', '310-410', 8_300n, northAmerican),
      carrier('T-Mobile', '310-260', 8_300n, northAmerican),
      carrier('Verizon', '311-480', 8_300n, northAmerican),
    ],
    voice: [
      { name: 'United States - Alaska', prefixes: ['1907'], micros: 90_000n },
      { name: 'United States', prefixes: ['1'], micros: 14_000n },
    ],
  },
  {
    iso: 'CA',
    name: 'Canada',
    prefixes: ['1416', '1514', '1604', '1403'],
    carriers: [
      carrier('Bell', '302-610', 8_300n, { shortcode: 11_000n }),
      carrier('Rogers', '302-720', 8_300n, { shortcode: 11_000n }),
    ],
    voice: [{ name: 'Canada', prefixes: ['1416', '1514', '1604', '1403'], micros: 14_000n }],
  },
  {
    iso: 'GB',
    name: 'United Kingdom',
    prefixes: ['44'],
    carriers: [
      carrier('EE', '234-30', 52_400n, { mobile: 52_400n, shortcode: 41_000n }),
      carrier('O2', '234-10', 51_800n, { mobile: 51_800n, shortcode: 41_000n }),
      carrier('Vodafone', '234-15', 50_900n, { mobile: 50_900n, shortcode: 41_000n }),
    ],
    voice: [
      { name: 'United Kingdom', prefixes: ['44'], micros: 15_800n },
      { name: 'United Kingdom - Mobile', prefixes: ['447'], micros: 42_500n },
    ],
  },
  {
    iso: 'DE',
    name: 'Germany',
    prefixes: ['49'],
    carriers: [
      carrier('Telekom', '262-01', 112_000n, { mobile: 112_000n }),
      carrier('Vodafone', '262-02', 109_500n, { mobile: 109_500n }),
      carrier('Telefonica', '262-03', 104_100n, { mobile: 104_100n }),
    ],
    voice: [
      { name: 'Germany', prefixes: ['49'], micros: 16_100n },
      { name: 'Germany - Mobile', prefixes: ['4915', '4916', '4917'], micros: 41_900n },
    ],
  },
  {
    iso: 'FR',
    name: 'France',
    prefixes: ['33'],
    carriers: [
      carrier('Orange', '208-01', 79_800n, { mobile: 79_800n }),
      carrier('SFR', '208-10', 79_800n, { mobile: 79_800n }),
    ],
    voice: [
      { name: 'France', prefixes: ['33'], micros: 18_700n },
      { name: 'France - Mobile', prefixes: ['336', '337'], micros: 38_500n },
    ],
  },
  {
    iso: 'IN',
    name: 'India',
    prefixes: ['91'],
    carriers: [
      carrier('Airtel', '404-10', 83_200n, { mobile: 83_200n }),
      carrier('Jio', '405-840', 83_200n, { mobile: 83_200n }),
      carrier('Vi', '404-20', 80_400n, { mobile: 80_400n }),
    ],
    voice: [{ name: 'India', prefixes: ['91'], micros: 49_700n }],
  },
  {
    iso: 'AU',
    name: 'Australia',
    prefixes: ['61'],
    carriers: [
      carrier('Telstra', '505-01', 51_500n, { mobile: 51_500n }),
      carrier('Optus', '505-02', 51_500n, { mobile: 51_500n }),
    ],
    voice: [
      { name: 'Australia', prefixes: ['61'], micros: 25_200n },
      { name: 'Australia - Mobile', prefixes: ['614'], micros: 75_000n },
    ],
  },
  {
    iso: 'BR',
    name: 'Brazil',
    prefixes: ['55'],
    carriers: [
      carrier('Claro', '724-05', 66_400n, { mobile: 66_400n }),
      carrier('Vivo', '724-06', 62_900n, { mobile: 62_900n }),
    ],
    voice: [{ name: 'Brazil', prefixes: ['55'], micros: 36_600n }],
  },
];

/** Of the rows, the one with the longest prefix that these digits begin with. */
export function longestPrefix<Row extends { prefixes: readonly string[] }>(
  rows: readonly Row[],
  digits: string,
): Row | undefined {
  let best: Row | undefined;
  let length = 0;
  for (const row of rows) {
    for (const prefix of row.prefixes) {
      if (prefix.length > length && digits.startsWith(prefix)) {
        best = row;
        length = prefix.length;
      }
    }
  }
  return best;
}

/** `number`: `+` and digits. Undefined: nowhere that this account may send to. */
export function countryOf(number: string): Country | undefined {
  return longestPrefix(COUNTRIES, number.slice(1));
}
