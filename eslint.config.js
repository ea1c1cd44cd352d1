import tseslint from 'typescript-eslint';

const noAmbientTime = [
  { object: 'Date', property: 'now', message: 'Time is passed in: take a Clock.' },
  { object: 'performance', property: 'now', message: 'Time is passed in: take a Clock.' },
  { object: 'process', property: 'hrtime', message: 'Time is passed in: take a Clock.' },
  { object: 'Math', property: 'random', message: 'Randomness is passed in: take an Rng.' },
];

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'coverage/', 'src/wire/gen/', 'eslint.config.js', '.dependency-cruiser.cjs', 'bin/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['scripts/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['src/core/**', 'src/simulator/**', 'src/workload/**', 'src/coordination/exchange/**'],
    rules: {
      'no-restricted-properties': ['error', ...noAmbientTime],
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'performance'],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'Time is passed in: take a Clock.',
        },
      ],
    },
  },
  { files: ['scripts/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
