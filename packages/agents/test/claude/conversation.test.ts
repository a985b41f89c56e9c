import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createConversation } from '../../src/claude/conversation.js';
import type { Interpreter } from '../../src/claude/interpreter.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A conversation in virtual time; `did` is what it did to the process. */
function setUp() {
  const did: string[] = [];
  const state: Pick<Interpreter, 'readiness' | 'answered' | 'background'> = {
    readiness: 'waiting',
    answered: false,
    background: { running: 0, onlyShells: false, everRan: false },
  };
  const line = {
    write: (text: string) => void did.push(/initialize|interrupt|Do it/.exec(text)?.[0] ?? text),
    closeStdin: () => void did.push('close stdin'),
    end: () => void did.push('end'),
  };
  const conversation = createConversation(line, state, {
    ...{ prompt: 'Do it.', trusted: false },
    ...{ lingerMs: 30_000, backgroundMs: 600_000, interruptMs: 2_000 },
  });
  return { did, state, conversation };
}

/** One that has begun. */
function setUpBegun() {
  const { did, state, conversation } = setUp();
  Object.assign(state, { readiness: 'ready' });
  conversation.begin();
  conversation.proceed();
  did.length = 0;
  return { did, state, conversation };
}

const agents = { running: 1, onlyShells: false, everRan: true };
const shells = { running: 1, onlyShells: true, everRan: true };
const nothing = { running: 0, onlyShells: false, everRan: true };

describe('createConversation()', () => {
  it('tells what to do only once the program has agreed to ask before each tool call', () => {
    const { did, state, conversation } = setUp();
    conversation.begin();
    conversation.proceed();
    expect(did).toEqual(['initialize']);
    Object.assign(state, { readiness: 'ready' });
    conversation.proceed();
    conversation.proceed();
    expect(did).toEqual(['initialize', 'Do it']);
  });

  it('tells nothing to a program that does not agree', () => {
    const { did, state, conversation } = setUp();
    conversation.begin();
    Object.assign(state, { readiness: 'refused' });
    conversation.proceed();
    expect(did).toEqual(['initialize', 'close stdin']);
  });

  it('cancel() before that ends the program at once', () => {
    const { did, conversation } = setUp();
    conversation.begin();
    conversation.cancel();
    expect(did).toEqual(['initialize', 'end']);
    expect(conversation.stopped).toBe('cancelled');
  });

  it('closes stdin at the answer, and ends a program that then does not exit', () => {
    const { did, state, conversation } = setUpBegun();
    conversation.proceed();
    vi.advanceTimersByTime(3_600_000);
    expect(did).toEqual([]);
    Object.assign(state, { answered: true });
    conversation.proceed();
    expect(did).toEqual(['close stdin']);
    vi.advanceTimersByTime(29_999);
    conversation.proceed();
    vi.advanceTimersByTime(1);
    expect(did).toEqual(['close stdin', 'end']);
    expect(conversation.stopped).toBe('lingered');
  });

  it('does nothing more once the process has ended', () => {
    const { did, state, conversation } = setUpBegun();
    Object.assign(state, { answered: true });
    conversation.proceed();
    conversation.close();
    vi.advanceTimersByTime(3_600_000);
    conversation.cancel();
    expect(did).toEqual(['close stdin']);
    expect(conversation.stopped).toBeUndefined();
  });

  it('waits for agents in the background, and for the turn that their end starts', () => {
    const { did, state, conversation } = setUpBegun();
    Object.assign(state, { answered: true, background: agents });
    conversation.proceed();
    vi.advanceTimersByTime(3_600_000);
    expect(did).toEqual([]);
    Object.assign(state, { background: nothing });
    conversation.proceed();
    vi.advanceTimersByTime(900);
    Object.assign(state, { answered: false }); // the next turn begins
    conversation.proceed();
    vi.advanceTimersByTime(3_600_000);
    expect(did).toEqual([]);
    Object.assign(state, { answered: true });
    conversation.proceed();
    vi.advanceTimersByTime(1000);
    expect(did).toEqual(['close stdin']);
  });

  it('waits for shell commands in the background only so long', () => {
    const { did, state, conversation } = setUpBegun();
    Object.assign(state, { answered: true, background: shells });
    conversation.proceed();
    vi.advanceTimersByTime(599_999);
    expect(did).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(did).toEqual(['end']);
    expect(conversation.stopped).toBe('lingered');
  });

  it('cancel() asks first, and ends a program that does not listen', () => {
    const { did, conversation } = setUpBegun();
    conversation.cancel();
    conversation.cancel();
    expect(did).toEqual(['interrupt']);
    vi.advanceTimersByTime(2_000);
    expect(did).toEqual(['interrupt', 'end']);
    expect(conversation.stopped).toBe('cancelled');
  });

  it('cancel() lets a program that listens go by itself', () => {
    const { did, state, conversation } = setUpBegun();
    conversation.cancel();
    Object.assign(state, { answered: true });
    conversation.proceed();
    conversation.proceed();
    expect(did).toEqual(['interrupt', 'close stdin']);
  });

  it('cancel() after the last answer only hastens the exit: the answer stands', () => {
    const { did, state, conversation } = setUpBegun();
    Object.assign(state, { answered: true });
    conversation.proceed();
    conversation.cancel();
    expect(did).toEqual(['close stdin', 'end']);
    expect(conversation.stopped).toBe('lingered');
  });

  it('cancel() while something runs in the background is a cancel', () => {
    const { did, state, conversation } = setUpBegun();
    Object.assign(state, { answered: true, background: agents });
    conversation.proceed();
    conversation.cancel();
    expect(did).toEqual(['end']);
    expect(conversation.stopped).toBe('cancelled');
  });
});
