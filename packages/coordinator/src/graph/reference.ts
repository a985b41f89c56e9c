import type { Json } from '../json.js';
import type { Position } from './graph.js';

/** `${{ triage.output.plan }}` as a path: root and keys, already known to be valid. */
export interface Reference {
  readonly root:
    | { readonly kind: 'inputs' | 'matrix' | 'run' | 'env' }
    /** The `as:` name of a fan-out. */
    | { readonly kind: 'item'; readonly name: string }
    /** A task's output; with `all`, the list over every item. */
    | { readonly kind: 'task'; readonly id: string; readonly all: boolean }
    /** A named value of `with:` or `inputs:`, in a prompt file. */
    | { readonly kind: 'with'; readonly name: string };
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly at: Position;
}

/** Text with holes, or a single reference whose value keeps its type. */
export type Template =
  | { readonly kind: 'literal'; readonly value: Json }
  | { readonly kind: 'reference'; readonly reference: Reference }
  | { readonly kind: 'text'; readonly parts: readonly (string | Reference)[] }
  | { readonly kind: 'list'; readonly items: readonly Template[] }
  | { readonly kind: 'object'; readonly entries: { readonly [key: string]: Template } };

/** An `if:`: paths, literals, comparison, `&& || !`, `in`, `size()`. Nothing else. */
export type Condition =
  | { readonly op: 'literal'; readonly value: Json }
  | { readonly op: 'path'; readonly reference: Reference }
  | {
      readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | '&&' | '||';
      readonly left: Condition;
      readonly right: Condition;
    }
  | { readonly op: '!'; readonly of: Condition }
  | { readonly op: 'size'; readonly of: Condition };

/** What references are resolved against. */
export interface Scope {
  readonly inputs: { readonly [name: string]: Json };
  readonly run: { readonly id: string; readonly base: string };
  readonly env: { readonly [name: string]: string };
  readonly matrix?: Json;
  readonly item?: { readonly name: string; readonly value: Json };
  readonly with?: { readonly [name: string]: Json };
  /** Output of a task (of the paired item, where there is one), or the list over all its items. */
  readonly task: (id: string, all: boolean) => Json | undefined;
}
