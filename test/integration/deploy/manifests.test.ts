import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Namespace, Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../../src/app/config.js';
import { ROOT } from '../../support/service.js';

const DEPLOY = join(ROOT, 'deploy');
const KUBERNETES = join(DEPLOY, 'kubernetes');
const KINDS = { Deployment, HorizontalPodAutoscaler, NetworkPolicy, PodDisruptionBudget, Namespace, Service };
type Kind = keyof typeof KINDS;

interface Manifest {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: { readonly name: string };
  readonly spec?: Record<string, unknown>;
}

function manifests(): Manifest[] {
  const { resources } = parse(readFileSync(join(KUBERNETES, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  return resources.flatMap((file) =>
    parseAllDocuments(readFileSync(join(KUBERNETES, file), 'utf8')).map((document) => document.toJS() as Manifest),
  );
}

describe('the Kubernetes manifests', () => {
  it('are what the API server takes, each by the schema of its kind', () => {
    const all = manifests();
    expect(all.map(({ kind }) => kind).sort()).toEqual([
      'Deployment',
      'HorizontalPodAutoscaler',
      'Namespace',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'Service',
    ]);
    for (const manifest of all) {
      const Model = KINDS[manifest.kind] as unknown as new (data: unknown) => { apiVersion: string; validate(): void };
      const model = new Model(manifest);
      expect(model.apiVersion).toBe(manifest.apiVersion);
      expect(() => model.validate(), manifest.metadata.name).not.toThrow();
    }
  });

  it('would be refused with a wrong field: the schemas are looked at', () => {
    const [deployment] = manifests().filter(({ kind }) => kind === 'Deployment');
    const wrong = structuredClone(deployment!) as unknown as { spec: { replicas: unknown } };
    wrong.spec.replicas = 'three';
    expect(() => new Deployment(wrong as never).validate()).toThrow(/replicas/);
  });

  it('name each other rightly: selectors, probes, volumes, autoscaled deployment', () => {
    const text = manifests();
    const deployment = text.find(({ kind }) => kind === 'Deployment')!.spec as {
      selector: { matchLabels: object };
      template: {
        metadata: { labels: object };
        spec: {
          containers: { ports: { name: string }[]; volumeMounts: { name: string }[] }[];
          volumes: { name: string }[];
        };
      };
    };
    const { template } = deployment;
    expect(template.metadata.labels).toEqual(deployment.selector.matchLabels);
    const [container] = template.spec.containers;
    expect(container!.volumeMounts.map(({ name }) => name).sort()).toEqual(
      template.spec.volumes.map(({ name }) => name).sort(),
    );
    const ports = new Set(container!.ports.map(({ name }) => name));
    for (const manifest of text.filter(({ kind }) => kind === 'Service')) {
      const spec = manifest.spec as { selector: object; ports: { targetPort: string }[] };
      expect(spec.selector).toEqual(deployment.selector.matchLabels);
      for (const { targetPort } of spec.ports) expect(ports).toContain(targetPort);
    }
  });
});

describe('the configurations', () => {
  it('are what the service takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-deploy-'));
    try {
      const password = join(folder, 'password');
      writeFileSync(password, 'secret\n');
      for (const file of ['sluice.yaml', 'container.yaml', 'kubernetes/host.yaml']) {
        const text = readFileSync(join(DEPLOY, file), 'utf8').replace('/etc/sluice-redis/password', password);
        const copy = join(folder, 'sluice.yaml');
        writeFileSync(copy, text);
        expect(loadConfig({ file: copy, environment: {}, flags: {} }).devices.length, file).toBeGreaterThan(0);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the systemd unit', () => {
  const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;

  it.skipIf(!canVerify)('is one that systemd takes, and leaves little exposed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-unit-'));
    try {
      const unit = join(folder, 'sluice.service');
      const text = readFileSync(join(DEPLOY, 'systemd', 'sluice.service'), 'utf8');
      // What it starts is not installed here; that there is such a command is the image's test.
      writeFileSync(unit, text.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true'));
      const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
      expect(verified.status, verified.stderr).toBe(0);
      expect(verified.stderr).toBe('');
      const exposed = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=25', unit], {
        encoding: 'utf8',
      });
      expect(exposed.status, exposed.stdout).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the compose file', () => {
  const canCompose = spawnSync('docker-compose', ['version']).status === 0;

  it.skipIf(!canCompose)('is one that compose takes, and mounts files that there are', () => {
    const read = spawnSync('docker-compose', ['-f', join(DEPLOY, 'compose.yaml'), 'config'], { encoding: 'utf8' });
    expect(read.status, read.stderr).toBe(0);
    const { services } = parse(read.stdout) as {
      services: Record<string, { command?: string[]; volumes?: (string | { source: string })[] }>;
    };
    expect(Object.keys(services).sort()).toEqual(['grafana', 'host1', 'host2', 'host3', 'prometheus', 'redis']);
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) {
        const source = typeof volume === 'string' ? volume.split(':')[0]! : volume.source;
        if (source.startsWith('/')) expect(readdirSync(join(source, '..')), name).toContain(source.split('/').at(-1));
      }
    }
    expect(services['host1']?.command).toContain('--store');
  });
});
