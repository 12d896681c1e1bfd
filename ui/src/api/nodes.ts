// Asking the cluster over HTTP: any node answers, so a call goes to the next one when a node is dead, slow or says that it cannot.
//
// That is only sound because asking twice does no harm: queries change nothing, and a command carries its own id. It knows nothing
// of what is asked.

/** A node's answer that is not 2xx, with what it said about the reason. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {
    super(`HTTP ${status}`);
  }
}

/** No node answered. */
export class Unreachable extends Error {
  constructor(readonly tried: readonly string[]) {
    super(tried.length === 0 ? 'no node is known' : `no answer from ${tried.join(', ')}`);
  }
}

/** What a call needs from its surroundings. */
export interface Caller {
  fetch: typeof fetch;
  /** Where to ask, in this order: the leader saves a hop, the page's own node comes next. */
  urls(): readonly string[];
}

/** A request to `/api/v1/...`; `waitMs` is how long the node itself may take before it answers. */
export interface Call {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  waitMs?: number;
}

/** A node that has not answered so long after it should have, in ms, is taken for dead: five round trips of a slow network (200 ms). */
export const ANSWER_MS_MAX = 1_000;

/** The answer as parsed JSON. Throws `Refusal` when a node decided against it, `Unreachable` when none could. */
export async function callAny({ fetch, urls }: Caller, call: Call): Promise<unknown> {
  const tried: string[] = [];
  let last: Refusal | undefined;
  for (const url of new Set(urls())) {
    tried.push(url);
    try {
      return await callOne(fetch, url, call);
    } catch (error) {
      // 5xx: this node cannot, another may. 4xx: every node would say the same.
      if (error instanceof Refusal && error.status < 500) throw error;
      if (error instanceof Refusal) last = error;
    }
  }
  throw last ?? new Unreachable(tried);
}

async function callOne(fetch: Caller['fetch'], url: string, { method, path, body, waitMs = 0 }: Call): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(waitMs + ANSWER_MS_MAX),
  });
  const text = await response.text();
  if (!response.ok) throw new Refusal(response.status, parsed(text));
  return JSON.parse(text);
}

/** A proxy in between may answer with something that is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
