// A small lab that moves: what its devices would read, and what they do when they are written to.
//
// It stands in for devices while the page is developed; it knows nothing of nodes, commands or sockets.

import { Access } from '../src/gen/labkeeper/v1/site_pb.js';
import { Quality } from '../src/gen/labkeeper/v1/value_pb.js';

/** How often every tag is read, in ms. */
export const POLL_MS = 100;

const drift = (middle, swing, seconds) => (_, t, phase) =>
  middle + swing * Math.sin(t / 1000 / seconds + phase) + swing * 0.02 * Math.sin(t / 37 + phase);
const decade = (middle, swing, seconds) => (_, t, phase) => middle * 10 ** (swing * Math.sin(t / 1000 / seconds + phase));
/** Follows another tag with a lag, as water follows a chiller's setpoint. */
const follow = (name, rate) => (value, t, phase, lab) => value + (lab.value(name) - value) * rate + 0.01 * Math.sin(t / 83 + phase);
const hold = (value) => value;

const read = (unit, first, step, description) => ({ unit, first, step, description, type: 'f32', access: Access.READ });
const write = (unit, first, limits, description) => ({
  unit,
  first,
  step: hold,
  description,
  type: 'f32',
  access: Access.READ_WRITE,
  limits,
});
const state = (first, step, description) => ({ unit: '', first, step, description, type: 'bool', access: Access.READ });

const CHILLER = {
  outlet_temperature: read('degC', 18, follow('temperature_setpoint', 0.02), 'Water leaving the chiller'),
  inlet_temperature: read('degC', 24, drift(24, 0.8, 11), 'Water coming back from the cryostats'),
  flow: read('l/min', 12, drift(12.4, 0.3, 5), 'Cooling water'),
  pump_running: state(1, () => 1, 'Circulation pump'),
  temperature_setpoint: write('degC', 20, { min: 5, max: 40 }, 'Temperature of the water leaving the chiller'),
};
const FURNACE = {
  zone1_temperature: read('degC', 845, drift(850, 3, 17), 'Load zone'),
  zone2_temperature: read('degC', 850, drift(850, 2, 23), 'Middle zone'),
  zone3_temperature: read('degC', 848, drift(849, 4, 13), 'Source zone'),
  heater_power: read('kW', 3.1, drift(3.1, 0.4, 7), 'Mains power of the heater'),
  temperature_setpoint: write('degC', 850, { min: 20, max: 1200 }, 'Temperature of all zones'),
};
const STAND = {
  gauge_high: read('mbar', 3.1e-9, decade(3.1e-9, 0.3, 19), 'Ion gauge at the chamber'),
  gauge_low: read('mbar', 2e-2, decade(2e-2, 0.1, 9), 'Pirani gauge before the backing pump'),
  turbo_speed: {
    ...read('Hz', 998, drift(998, 3, 29), 'Turbomolecular pump'),
    type: 'u16',
    step: (_, t, p) => Math.round(998 + 3 * Math.sin(t / 9000 + p)),
  },
  gate_valve_open: { ...state(1, hold, 'Gate valve to the beamline'), access: Access.READ_WRITE, dangerous: true },
  backing_pump_mode: { ...read('', 'auto', hold, 'What the backing pump says'), type: 'string(12)' },
};

const DEVICES = {
  'cryo/chiller-1': CHILLER,
  'cryo/chiller-2': CHILLER,
  'furnace/furnace-1': FURNACE,
  'furnace/furnace-2': FURNACE,
  'vacuum/stand-1': STAND,
  'vacuum/stand-2': STAND,
};

export class Lab {
  /** `more` adds so many tags to a segment "bulk", to see the page under load. */
  constructor(more = 0) {
    this.tags = Object.entries(DEVICES).flatMap(([device, tags]) =>
      Object.entries(tags).map(([name, tag]) => ({ ...tag, device, tag: `${device}/${name}` })),
    );
    for (let i = 0; i < more; i++) {
      const device = `bulk/unit-${String(Math.floor(i / 50)).padStart(3, '0')}`;
      this.tags.push({
        ...read('mA', 4, drift(12, 4, 3 + (i % 17)), ''),
        device,
        tag: `${device}/input_${String(i % 50).padStart(2, '0')}`,
      });
    }
    this.tags.sort((a, b) => (a.tag < b.tag ? -1 : 1));
    this.tags.forEach((tag, i) => Object.assign(tag, { value: tag.first, at: 0, quality: Quality.BAD_NOT_YET_READ, phase: i * 1.7 }));
    this.byName = new Map(this.tags.map((tag) => [tag.tag, tag]));
  }

  /** Reads every device whose segment is driven. `now` is UTC in ms. */
  poll(now, isDriven) {
    for (const tag of this.tags) {
      const segment = tag.device.split('/')[0];
      if (!isDriven(segment)) continue;
      const near = { value: (name) => this.byName.get(`${tag.device}/${name}`).value };
      tag.value = tag.step(tag.value, now, tag.phase, near);
      // One stand answers badly now and then, so that the page's other states are seen too.
      const broken = tag.tag === 'vacuum/stand-2/gauge_low' && now % 40_000 > 20_000;
      if (broken) tag.quality = Quality.BAD_TIMEOUT;
      else Object.assign(tag, { quality: Quality.GOOD, at: now });
    }
  }

  write(name, value) {
    this.byName.get(name).value = value;
  }
}
