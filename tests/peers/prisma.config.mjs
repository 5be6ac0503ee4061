// Prisma without its native engine, which it downloads at the first run: its WebAssembly build and the driver adapter are in npm's packages.
import { PrismaPg } from '@prisma/adapter-pg'

// The adapter does not know the catalogue's type name, and cuts scripts at each semicolon.
class Adapter extends PrismaPg {
  async connect() {
    const connection = await super.connect()
    const query = connection.client.query.bind(connection.client)
    connection.client.query = async (...given) => {
      const result = await query(...given)
      for (const field of result.fields ?? []) if (field.dataTypeID === 19) field.dataTypeID = 25
      return result
    }
    connection.executeScript = async script => { await query(script) }
    return connection
  }
}

export default {
  experimental: { adapter: true },
  engine: 'js',
  adapter: async () => new Adapter({ connectionString: process.env.DATABASE_URL }),
  schema: 'schema.prisma',
  migrations: { path: 'migrations' },
}
