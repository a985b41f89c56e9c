import { createScriptedModel, type ConversationRequest, type Turn } from '@orch/scripted-model';
import { nodeOfInstance, type AgentRequest, type Graph } from '@orch/coordinator';
import { improvise } from './improvise.js';
import type { RehearsalScript } from './script.js';

/** A scripted model on loopback that answers every agent of a run. */
export interface Stage {
  readonly url: string;
  /** Says which task a conversation belongs to, before the agent speaks. */
  readonly enter: (session: string, request: AgentRequest) => void;
  close(): Promise<void>;
}

/** Opens the stage of a rehearsal. Which turn answers follows from the request alone, so a resume goes on rightly. */
export async function openStage(graph: Graph, script: RehearsalScript): Promise<Stage> {
  const cast = new Map<string, AgentRequest>();

  const answer = (conversation: ConversationRequest): Turn | undefined => {
    const request = cast.get(conversation.conversation);
    if (!request) return { text: 'REHEARSAL: nobody expects this conversation.' };
    const node = nodeOfInstance(graph, request.task);
    const written = script[request.label] ?? script[node?.id ?? request.task];
    const turns = written ?? improvise(request, request.writes ?? [], node?.effect ?? 'diff');
    const at = turnOf(conversation, request.original);
    if (at === undefined) return { text: 'REHEARSAL: a sub-agent answers.' };
    const turn = turns[at];
    return turn === undefined
      ? { text: 'REHEARSAL: nothing more to do.' }
      : inWorkspace(turn, request.workspace);
  };

  const model = createScriptedModel({ fallback: answer, markers: false });
  const { url } = await model.listen();
  return {
    url,
    enter: (session, request) => void cast.set(session, request),
    close: () => model.close(),
  };
}

/**
 * How many answers came since the task was asked; later messages (findings, "go on") do not start anew.
 * Undefined: another conversation of the same session, a sub-agent's.
 */
function turnOf({ messages }: ConversationRequest, question: string): number | undefined {
  const asked = messages.findLastIndex(
    (message) => message.role === 'user' && message.text.includes(question.trim()),
  );
  if (asked === -1) return undefined;
  return messages
    .slice(asked + 1)
    .filter((message) => message.role === 'assistant' && !message.synthetic).length;
}

/** Scripts name files by `{{workspace}}`, because agents want absolute paths. */
function inWorkspace<T>(value: T, workspace: string): T {
  if (typeof value === 'string') return value.replaceAll('{{workspace}}', workspace) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => inWorkspace(item, workspace)) as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, inWorkspace(item as unknown, workspace)]),
    ) as T;
  }
  return value;
}
