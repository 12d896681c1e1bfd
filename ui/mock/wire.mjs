// The mock's lab and cluster as the messages of proto/: the same bytes that a node sends.

import { create, toBinary } from '@bufbuild/protobuf';
import { LiveFrameSchema, LiveResponseSchema } from '../src/gen/labkeeper/v1/live_pb.js';
import { TagHoldReason, TagReadingSchema } from '../src/gen/labkeeper/v1/tag_pb.js';
import { POLL_MS } from './lab.mjs';

const kindOf = ({ type, value }) => {
  if (typeof value === 'string') return { case: 'text', value };
  if (type === 'bool') return { case: 'boolean', value: value !== 0 };
  return type.startsWith('u') ? { case: 'unsigned', value: BigInt(value) } : { case: 'number', value };
};

/** Every tag with its value, owner and setpoint. */
export function readings(lab, cluster) {
  return lab.tags.map((tag) => {
    const setpoint = cluster.setpoints.get(tag.tag);
    return create(TagReadingSchema, {
      tag: tag.tag,
      unit: tag.unit,
      owner: cluster.ownerOf(tag.device),
      access: tag.access,
      description: tag.description,
      type: tag.type,
      pollMs: BigInt(POLL_MS),
      rung: tag.device.startsWith('furnace/') ? 'F5' : 'F1',
      ...(tag.dangerous && cluster.isAway(tag.device) && { hold: { reason: TagHoldReason.DANGEROUS } }),
      ...(tag.limits && { limits: tag.limits }),
      ...(tag.at && { sample: { timeUnixNs: BigInt(tag.at) * 1_000_000n, quality: tag.quality, value: { kind: kindOf(tag) } } }),
      ...(setpoint && {
        setpoint: {
          value: setpoint.value,
          revision: setpoint.revision,
          state: setpoint.state,
          actor: setpoint.actor,
          reason: setpoint.reason,
          commandId: setpoint.id,
        },
      }),
    });
  });
}

/** The latest sample of every tag that has one. */
export function frame(lab, term, generation, now) {
  const ids = lab.tags.flatMap(({ at }, id) => (at ? [id] : []));
  const tags = ids.map((id) => lab.tags[id]);
  return create(LiveFrameSchema, {
    term: BigInt(term),
    generation,
    baseUnixMs: BigInt(now),
    ids,
    values: tags.map(({ value }) => (typeof value === 'string' ? NaN : value)),
    dtMs: tags.map(({ at }) => at - now),
    qualities: tags.map(({ quality }) => quality),
    texts: Object.fromEntries(ids.flatMap((id) => (typeof lab.tags[id].value === 'string' ? [[id, lab.tags[id].value]] : []))),
  });
}

/** A message as it goes over the socket. */
export function encode(kind, value) {
  return toBinary(LiveResponseSchema, create(LiveResponseSchema, { kind: { case: kind, value } }));
}
