/**
 * A route, declared once: who may use it, what it takes, what it answers, what it does. The server
 * (control.ts) and the description (openapi.ts) are both made from these declarations, so the two
 * cannot differ. This file owns the order of the steps of a request; it knows no resource.
 */
import type { z } from 'zod';
import type { Access, Caller } from './auth.ts';
import { readJsonObject } from './json-body.ts';
import { Problem } from './problem.ts';
import { Faults, type Read, readFields, type Shape } from './read-fields.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a handler is asked; `C` is what its check found out. */
export interface Asked<Q extends Shape, B extends Shape, C> {
  caller: Caller;
  /** Decoded segments of the path, by their names in it. */
  params: Readonly<Record<string, string>>;
  query: Read<Q>;
  body: Read<B>;
  headers: Headers;
  checked: C;
}

/** What a check may look at: the fields that are right so far. */
export interface Given<Q extends Shape, B extends Shape> {
  caller: Caller;
  params: Readonly<Record<string, string>>;
  query: Partial<Read<Q>>;
  body: Partial<Read<B>>;
  headers: Headers;
}

/** The body of an answer: a schema for JSON, or the media types it can have beside or instead. */
export interface Described {
  description: string;
  json?: z.ZodType;
  others?: readonly string[];
}

export interface Route {
  method: Method;
  /** As in OpenAPI: `/vault/keys/{id}`. */
  path: string;
  summary: string;
  access: Access;
  query: Shape;
  /** Null: the route takes none. */
  body: Shape | null;
  answers: Readonly<Record<number, Described>>;
  handle(request: Request, call: Call): Promise<Response>;
}

export interface Call {
  caller: Caller;
  params: Readonly<Record<string, string>>;
  query: Record<string, string>;
  /** Query parameters that were given more than once. */
  repeated: readonly string[];
  bodyTimeoutMs: number;
}

interface Declaration<Q extends Shape, B extends Shape, C> {
  method: Method;
  path: string;
  summary: string;
  access: Access;
  query?: Q;
  body?: B;
  answers: Readonly<Record<number, Described>>;
  /**
   * Rules between fields and with what is stored. Runs also when some field is faulty, so that the
   * caller learns of everything at once; `run` follows only when there is no fault, with what the
   * check returned as `checked`.
   */
  check?(given: Given<Q, B>, faults: Faults): C | Promise<C>;
  run(asked: Asked<Q, B, C>): Promise<Response> | Response;
}

/** Declares a route; its generics tie what `run` gets to what the shapes describe. */
export function route<
  Q extends Shape = Record<never, z.ZodType>,
  B extends Shape = Record<never, z.ZodType>,
  C = undefined,
>(declared: Declaration<Q, B, C>): Route {
  const { method, path, summary, access, answers } = declared;
  const queryShape: Shape = declared.query ?? {};
  const bodyShape: Shape | null = declared.body ?? null;
  return {
    method,
    path,
    summary,
    access,
    answers,
    query: queryShape,
    body: bodyShape,
    async handle(request, { caller, params, query: sent, repeated, bodyTimeoutMs }) {
      const faults = new Faults();
      for (const name of repeated) {
        if (Object.hasOwn(queryShape, name)) faults.add(name, 'is given more than once');
      }
      // Probers add parameters of their own to public addresses; there they mean nothing.
      const query = access === 'public' ? {} : readFields(queryShape, sent, faults);
      if (!bodyShape && hasBody(request)) {
        throw new Problem(
          'invalid_request',
          'this request takes no body; parameters go in the query',
        );
      }
      const body = bodyShape
        ? readFields(bodyShape, await readJsonObject(request, bodyTimeoutMs), faults)
        : {};
      const given = { caller, params, query, body, headers: request.headers } as Given<Q, B>;
      const checked = await declared.check?.(given, faults);
      faults.throwIfAny();
      return declared.run({ ...given, checked } as Asked<Q, B, C>);
    },
  };
}

/** What is not read must not be sent: a reason in the body of a DELETE would be lost silently. */
function hasBody({ headers }: Request): boolean {
  return Number(headers.get('content-length') ?? 0) > 0 || headers.has('transfer-encoding');
}

/** A JSON answer. Amounts in it come from usdJson, so that they are written exactly. */
export function json(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  });
}
