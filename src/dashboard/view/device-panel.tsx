/** How the device stands: slots in use of its depth, requests waiting, and what it is. */
import type { JSX } from 'preact';
import type { Device, ServiceView } from '../data/api.js';
import { bytes, count } from './units.js';

const STATES: Record<string, string> = {
  DEVICE_STATE_READY: 'ready',
  DEVICE_STATE_SUSPECT: 'suspect',
  DEVICE_STATE_DRAINING: 'draining',
  DEVICE_STATE_DRAINED: 'drained',
  DEVICE_STATE_UNAVAILABLE: 'unavailable',
};

function Slots({ used, depth }: { used: number; depth: number }): JSX.Element {
  const shown = Math.min(depth, 64);
  const lit = Math.round((Math.min(used, depth) / depth) * shown);
  return (
    <div
      class="slots"
      role="meter"
      aria-valuemin={0}
      aria-valuemax={depth}
      aria-valuenow={used}
      aria-label="Slots in use"
    >
      {Array.from({ length: shown }, (_, i) => (
        <i key={i} class={i < lit ? 'used' : ''} />
      ))}
    </div>
  );
}

export function DevicePanel({ device, service }: { device: Device; service: ServiceView | null }): JSX.Element {
  const state = STATES[device.state] ?? device.state;
  const kind = device.simulation === undefined ? device.binding : `simulated ${device.simulation.kind}`;
  return (
    <section class="panel device" aria-labelledby="device-title">
      <header>
        <h2 id="device-title">Device</h2>
        <span class={`state ${state}`}>{state}</span>
      </header>
      {device.stateMessage !== '' && <p class="problem">{device.stateMessage}</p>}
      <dl>
        <div>
          <dt>slots in use</dt>
          <dd>
            {device.outstanding} of {device.settings.depth}
          </dd>
        </div>
        <div>
          <dt>waiting</dt>
          <dd>{count(device.queued)}</dd>
        </div>
        <div>
          <dt>scheduler</dt>
          <dd>{device.settings.scheduler}</dd>
        </div>
        <div>
          <dt>cost</dt>
          <dd>{device.settings.costModel}</dd>
        </div>
        <div>
          <dt>size</dt>
          <dd>{bytes(Number(device.sizeBytes))}</dd>
        </div>
        <div>
          <dt>made of</dt>
          <dd title={kind}>{kind}</dd>
        </div>
      </dl>
      <Slots used={device.outstanding} depth={device.settings.depth} />
      <h3>Hosts</h3>
      {service === null ? (
        <p class="empty">…</p>
      ) : (
        <ul class="hosts">
          {service.hosts.map((host) => (
            <li key={host.id}>
              <span class={`dot ${host.mode}`} aria-hidden="true" />
              <code title={host.id}>{host.id.slice(0, 8)}</code>
              {host.self && <small>this page</small>}
              <span class="mode">{host.mode}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
