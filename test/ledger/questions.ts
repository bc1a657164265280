/** What the decision is asked: a call, its key and that key's parents with their budgets. */
import type { ErrorCode } from '../../src/errors.ts';
import type { BudgetState, Decision, KeyState, Link, Question } from '../../src/ledger/decide.ts';
import { type Admission, type Policy, UNCAPPED } from '../../src/ledger/ledger.ts';
import { admission, newKey, usd } from './desk.ts';

export const NOW = Date.parse('2026-11-22T09:00:00Z');

export interface LinkFields extends Partial<Policy> {
  key?: Partial<KeyState>;
  budgets?: Partial<BudgetState>[];
}

export function link(id: bigint, { key = {}, budgets = [], ...policy }: LinkFields = {}): Link {
  return {
    key: {
      ...{ id, issuedAt: NOW, revokedAt: null, revokedReason: null, rate: null, allows: null },
      policy: newKey(id, NOW, policy).policy,
      ...key,
    },
    budgets: (budgets.length ? budgets : [{}]).map((fields) => {
      const cap = fields.cap ?? UNCAPPED;
      return {
        ...{ kind: 'total', keyId: id, windowStart: 0, cap, ceiling: cap },
        ...{ spent: 0n, held: 0n, calls: 0 },
        ...fields,
      } as BudgetState;
    }),
  };
}

export function question(
  chain: Link[],
  dollars = 1,
  fields: Partial<Admission> = {},
  rest: Partial<Question> = {},
): Question {
  const call = admission(9n, NOW, chain[0]!.key.id, dollars, fields);
  return {
    ...{ call, chain, freeze: null, first: null, price: { micros: usd(dollars) } },
    underWay: () => 0n,
    ...rest,
  };
}

export function codeOf(decision: Decision): ErrorCode | Exclude<Decision['kind'], 'refuse'> {
  return decision.kind === 'refuse' ? decision.refusal.code : decision.kind;
}
