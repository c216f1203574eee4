// The ranks of ARCHITECTURE.md, lowest first. A module imports only from a lower rank, only through that module's index.ts; same rank never.
const RANKS = [
  ['identity'],
  ['contacts', 'templates', 'mail'],
  ['segments', 'tracking'],
  ['campaigns'],
  ['steps'],
  ['enrollment', 'exchange', 'approvals'],
  ['triggers'],
  ['delivery'],
  ['experiments'],
  ['execution', 'versions'],
  ['analytics', 'rehearsal'],
  ['webhooks'],
];
const upward = RANKS.flatMap((peers, rank) =>
  peers.map((name) => ({
    name: `no-upward-from-${name}`,
    comment: 'A module may import only modules of a lower rank.',
    severity: 'error',
    from: { path: `^src/modules/${name}/` },
    to: { path: `^src/modules/(${[...peers.filter((p) => p !== name), ...RANKS.slice(rank + 1).flat()].join('|') || '$^'})/` },
  })),
);
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'only-through-index',
      comment: 'Other modules are used through their public face.',
      severity: 'error',
      from: { path: '^src/modules/([^/]+)/' },
      to: { path: '^src/modules/', pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/index\\.ts$'] },
    },
    {
      name: 'no-self-index',
      severity: 'error',
      from: { path: '^src/modules/([^/]+)/', pathNot: 'index\\.ts$' },
      to: { path: '^src/modules/$1/index\\.ts$' },
    },
    {
      name: 'platform-does-not-know-modules',
      comment: 'shared, config, database, queue and http stand below every module; only database/entities.ts lists entities.',
      severity: 'error',
      from: { path: '^src/(shared|config|database|queue|http)/', pathNot: '^src/database/entities\\.ts$' },
      to: { path: '^src/(modules|app)/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'domain/ knows neither Nest, TypeORM nor BullMQ.',
      severity: 'error',
      from: { path: '^src/modules/[^/]+/domain/', pathNot: '\\.spec\\.ts$' },
      to: { path: 'node_modules/(@nestjs|typeorm|bullmq)' },
    },
    {
      name: 'modules-do-not-know-app',
      severity: 'error',
      from: { path: '^src/modules/' },
      to: { path: '^src/app/' },
    },
    ...upward,
  ],
  options: { tsConfig: { fileName: 'tsconfig.json' }, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
};
