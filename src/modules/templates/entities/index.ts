export { TemplateVersion } from './template-version.entity.js';
export { Template } from './template.entity.js';
