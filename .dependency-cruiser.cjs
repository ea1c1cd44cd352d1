/** Who may import whom: arrows point inward. Run by `npm run check`. */
'use strict';

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    rule(
      'no-circular',
      'A cycle has no inside and no outside.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    rule(
      'core-alone',
      'core is pure: nothing outside core, no package, no node builtin.',
      { path: '^src/core/' },
      { pathNot: '^src/core/' },
    ),
    rule(
      'model-innermost',
      'The words of the model know nothing of who uses them.',
      { path: '^src/core/model/' },
      { pathNot: '^src/core/model/' },
    ),
    rule(
      'wire-is-bytes',
      'wire is bytes <-> typed values: no part of the service.',
      { path: '^src/wire/' },
      { path: '^src/', pathNot: '^src/(wire|core/model)/' },
    ),
    rule(
      'control-on-core',
      'Use cases stand on the core alone; doors call them.',
      { path: '^src/control/' },
      { path: '^src/', pathNot: '^src/(control|core)/' },
    ),
    rule(
      'clock-on-core',
      'A clock is a maker of a port.',
      { path: '^src/clock/' },
      { path: '^src/', pathNot: '^src/(clock|core)/' },
    ),
    rule(
      'coordination-on-core',
      "coordination's folders stand on core and do not import each other, but for exchange's port.",
      { path: '^src/coordination/([^/]+)/' },
      { path: '^src/', pathNot: '^src/(core|coordination/($1|exchange))/' },
    ),
    rule(
      'devices-on-core',
      'Device back ends stand on core; only the factory and filters are shared among them, and NBD has its codec in wire.',
      { path: '^src/devices/([^/]+)/' },
      { path: '^src/', pathNot: '^src/(core/|devices/$1/|devices/filters/|wire/$1/)' },
    ),
    rule(
      'doors-apart',
      'A door imports control, core, wire and telemetry, never another door.',
      { path: '^src/doors/([^/]+)/' },
      { path: '^src/', pathNot: '^src/(core|control|wire|telemetry|doors/$1)/' },
    ),
    rule(
      'client-light',
      'Whoever installs the client gets no server: wire and the model only.',
      { path: '^src/client/' },
      { path: '^src/', pathNot: '^src/(client|wire|core/model)/' },
    ),
    rule(
      'workload-pure',
      'What applications do runs under either clock: core only.',
      { path: '^src/workload/' },
      { path: '^src/', pathNot: '^src/(workload|core)/' },
    ),
    rule(
      'only-composition-roots-join',
      'Only app and simulator join parts; the simulator takes assemble from app.',
      { path: '^src/simulator/' },
      { path: '^src/(cli|client|doors)/' },
    ),
    rule(
      'app-not-cli',
      'The service does not know its command line.',
      { path: '^src/app/' },
      { path: '^src/(cli|client|simulator|workload)/' },
    ),
    rule(
      'dashboard-apart',
      'The page knows the HTTP API and the words of the model, not the service.',
      { path: '^src/dashboard/' },
      { path: '^src/', pathNot: '^src/(dashboard|core/model)/' },
    ),
    rule(
      'nobody-imports-the-page',
      'The page is built by itself and served as files.',
      { path: '^src/', pathNot: '^src/dashboard/' },
      { path: '^src/dashboard/' },
    ),
    rule(
      'ioredis-in-one-room',
      'Only the Redis transport and stores speak Redis.',
      { path: '^src/', pathNot: '^src/coordination/redis/' },
      { path: 'node_modules/ioredis' },
    ),
    rule(
      'express-in-one-room',
      'Only the HTTP door speaks HTTP.',
      { path: '^src/', pathNot: '^src/doors/http/' },
      { path: 'node_modules/(express|helmet)/' },
    ),
    rule(
      'grpc-in-its-rooms',
      'grpc-js values only in the gRPC door and the client (types also in wire).',
      { path: '^src/', pathNot: '^src/(doors/grpc|client)/' },
      { path: 'node_modules/@grpc/grpc-js', dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'native-calls-in-their-files',
      'Native code ends the process where it errs: one file of it a part that needs it, behind an interface.',
      { path: '^(src|bench|test)/', pathNot: '^src/(doors/vhost/native|devices/file/uring)\\.ts$' },
      { path: 'node_modules/koffi' },
    ),
    rule(
      'vega-in-one-room',
      'Only the report of experiments draws; what draws takes a while to load.',
      { path: '^src/', pathNot: '^src/experiments/report/' },
      { path: 'node_modules/(vega|vega-lite)/' },
    ),
    rule(
      'baselines-for-experiments',
      'What devices are scheduled by knows nothing of what it is compared with.',
      { path: '^src/', pathNot: '^src/(core/scheduling/baselines|simulator|experiments)/' },
      { path: '^src/core/scheduling/baselines/' },
    ),
    rule(
      'prom-in-one-file',
      'prom-client is wrapped once.',
      { path: '^src/', pathNot: '^src/telemetry/metrics\\.ts$' },
      { path: 'node_modules/prom-client' },
    ),
    rule(
      'no-tests-in-src',
      'Nothing served depends on tests or benchmarks.',
      { path: '^src/' },
      { path: '^(test|bench)/' },
    ),
    rule('resolvable', 'What is imported must be there.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|build|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
