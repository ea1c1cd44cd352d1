import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../../support/service.js';
import { HttpRig } from '../../support/http-rig.js';

const PROMETHEUS = join(ROOT, 'deploy', 'prometheus');
const canPromtool = spawnSync('promtool', ['--version']).status === 0;
/** Names that Sluice does not make: Prometheus's own, and one that is there only with a shared store. */
const ELSEWHERE = new Set(['sluice_coordination_mode']);

interface Rules {
  readonly groups: readonly {
    rules: readonly { alert: string; expr: string; annotations: { runbook_url: string } }[];
  }[];
}

const rules = (parse(readFileSync(join(PROMETHEUS, 'alerts.yaml'), 'utf8')) as Rules).groups.flatMap(
  (group) => group.rules,
);

async function metricNames(): Promise<Set<string>> {
  await using rig = await HttpRig.start();
  rig.serve('acme/db');
  const { text } = await rig.call('GET', '/metrics');
  return new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((end) => name! + end) : [name!],
    ),
  );
}

describe('monitoring', () => {
  it('asks only for metrics that there are', async () => {
    const names = await metricNames();
    const dashboard = readFileSync(join(ROOT, 'deploy', 'grafana', 'sluice.json'), 'utf8');
    const docs = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
    for (const text of [dashboard, docs, ...rules.map((rule) => rule.expr)]) {
      for (const [name] of text.matchAll(/\b(?:sluice|process)_[a-z_]+[a-z]\b/g)) {
        if (!ELSEWHERE.has(name)) expect(names, name).toContain(name);
      }
    }
  });

  it('has a section in the runbook for each alert', () => {
    expect(rules.length).toBeGreaterThan(0);
    const docs = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
    for (const { alert, annotations } of rules) {
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
      expect(docs).toContain(`\n### ${alert}\n`);
    }
  });

  it.skipIf(!canPromtool)('has alerts that fire when they should, as promtool says', () => {
    const checked = spawnSync('promtool', ['check', 'rules', 'alerts.yaml'], { cwd: PROMETHEUS, encoding: 'utf8' });
    expect(checked.status, checked.stdout + checked.stderr).toBe(0);
    const tested = spawnSync('promtool', ['test', 'rules', 'alerts.test.yaml'], { cwd: PROMETHEUS, encoding: 'utf8' });
    expect(tested.status, tested.stdout + tested.stderr).toBe(0);
    const config = spawnSync('promtool', ['check', 'config', '--syntax-only', 'prometheus.yaml'], {
      cwd: PROMETHEUS,
      encoding: 'utf8',
    });
    expect(config.status, config.stdout + config.stderr).toBe(0);
  });
});
