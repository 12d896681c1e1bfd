// Where the cluster under test is, and what it says of itself.

export const isMock = process.env['LABKEEPER_MOCK'] === '1';
export const MOCK_NODES = ['http://127.0.0.1:7780', 'http://127.0.0.1:7781', 'http://127.0.0.1:7782'];

/** A tag whose setpoint may be moved within its limits, and that reads back what was written. */
export const WRITABLE_TAG = process.env['LABKEEPER_WRITABLE_TAG'] ?? 'cryo/chiller-1/temperature_setpoint';

export interface Cluster {
  leader: string;
  term: string;
  nodes: { name: string; http: string; role: string }[];
  segments: { name: string; owner: string; epoch: string }[];
}

export interface Tag {
  tag: string;
  limits: { min?: number; max: number };
  setpoint?: { value: { number: number }; revision: string; state: string };
}

/** URLs of the nodes, without a trailing slash. */
export function nodeUrls(): string[] {
  if (isMock) return MOCK_NODES;
  const urls = (process.env['LABKEEPER_HTTP'] ?? '').split(',').filter((url) => url !== '');
  if (urls.length === 0) throw new Error('LABKEEPER_HTTP names the nodes, such as http://127.0.0.1:7680,http://127.0.0.1:7681');
  return urls.map((url) => url.trim().replace(/\/$/, ''));
}

/** The answer of the first node that has one. */
export async function ask<T>(path: string): Promise<T> {
  let last: unknown;
  for (const url of nodeUrls()) {
    try {
      const response = await fetch(url + path);
      if (response.ok) return (await response.json()) as T;
      last = `${url}: HTTP ${response.status}`;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`no node answers ${path}: ${String(last)}`);
}

export const cluster = () => ask<Cluster>('/api/v1/cluster');

/** The leader's URL, and one of a node that follows. */
export async function leaderAndFollower(): Promise<{ leader: string; follower: string }> {
  const { leader, nodes } = await cluster();
  const leading = nodes.find(({ name }) => name === leader);
  const following = nodes.find(({ role }) => role === 'NODE_ROLE_FOLLOWER');
  if (!leading || !following) throw new Error(`the cluster has no leader or no follower: ${JSON.stringify(nodes)}`);
  return { leader: leading.http, follower: following.http };
}

/** A setpoint within the limits, `share` of the way from the smallest to the largest, to a tenth. */
export async function setpointAt(share: number): Promise<number> {
  const { tags } = await ask<{ tags: Tag[] }>(`/api/v1/tags?selector=${encodeURIComponent(WRITABLE_TAG)}`);
  const tag = tags.find((each) => each.tag === WRITABLE_TAG);
  if (!tag) throw new Error(`the site has no tag ${WRITABLE_TAG}; set LABKEEPER_WRITABLE_TAG`);
  const { min = 0, max } = tag.limits;
  return Math.round((min + (max - min) * share) * 10) / 10;
}
