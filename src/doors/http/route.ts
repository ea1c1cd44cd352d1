/** A route: what it takes, what it answers, and who does it. The router and /openapi.json are made of the same list. */
import type { Request, Response } from 'express';
import type { z } from 'zod';

export const CSV_TYPE = 'text/csv';
export const JSON_TYPE = 'application/json';

type Method = 'get' | 'put' | 'post' | 'delete';

export interface Reply {
  readonly status: number;
  readonly json?: unknown;
  /** Instead of json: text piece by piece, each made when the reader has room for it. */
  readonly stream?: { readonly type: string; readonly pieces: AsyncIterable<string> };
  /** Instead of json. */
  readonly text?: { readonly type: string; readonly body: string };
  readonly etag?: string;
}

interface Input<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly req: Request;
  readonly res: Response;
}

/** By status: a schema for JSON, or the type of text. */
export type Answers = Readonly<Record<number, { readonly description: string; readonly body: z.ZodType | string }>>;

interface Spec<P extends z.ZodRawShape, Q extends z.ZodRawShape, B extends z.ZodType> {
  readonly method: Method;
  /** As OpenAPI writes it; `{tag}` takes in slashes. */
  readonly path: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Takes If-Match and If-None-Match. */
  readonly conditional?: boolean;
  readonly answers: Answers;
  /** null: the handler has answered by itself. */
  readonly handle: (
    input: Input<z.output<z.ZodObject<P>>, z.output<z.ZodObject<Q>>, z.output<B>>,
  ) => Promise<Reply | null>;
}

export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly params: z.ZodRawShape;
  readonly query: z.ZodRawShape;
  /** null: takes no body. */
  readonly body: z.ZodType | null;
  readonly conditional: boolean;
  readonly answers: Answers;
  readonly handle: (input: Input<unknown, unknown, unknown>) => Promise<Reply | null>;
}

/** Gives up the types of what a route takes, which its schemas ensure. */
export function route<P extends z.ZodRawShape, Q extends z.ZodRawShape, B extends z.ZodType>(
  spec: Spec<P, Q, B>,
): Route {
  return {
    method: spec.method,
    path: spec.path,
    summary: spec.summary,
    params: spec.params ?? {},
    query: spec.query ?? {},
    body: spec.body ?? null,
    conditional: spec.conditional ?? false,
    answers: spec.answers,
    handle: spec.handle as Route['handle'],
  };
}

export const json = (description: string, body: z.ZodType): Answers[number] => ({ description, body });
export const csv = (description: string): Answers[number] => ({ description, body: CSV_TYPE });
