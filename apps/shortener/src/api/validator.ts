import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import type Type from 'typebox'
import { Compile } from 'typebox/compile'

const wholeNumber = /^-?\d{1,15}$/

/** Checks requests by TypeBox. What comes in the URL is text: there, whole numbers are read; in a body nothing is converted. */
export const validatorCompiler: FastifySchemaCompiler<Type.TObject> = ({ schema, httpPart }) => {
  const check = Compile(schema)
  const integers = httpPart === 'body' ? [] : Object.keys(schema.properties).filter((name) => isInteger(schema, name))
  return (value: Record<string, unknown>) => {
    for (const name of integers) {
      const text = value[name]
      if (typeof text === 'string' && wholeNumber.test(text)) value[name] = Number(text)
    }
    return check.Check(value) ? { value } : { error: check.Errors(value) as FastifySchemaValidationError[] }
  }
}

function isInteger(schema: Type.TObject, name: string): boolean {
  return (schema.properties[name] as { type?: string }).type === 'integer'
}
