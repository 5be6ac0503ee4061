-- Last, for they fire at everything that follows.
CREATE EVENT TRIGGER refuse_drops ON sql_drop EXECUTE FUNCTION public.refuse(); CREATE EVENT TRIGGER refuse_all ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'CREATE INDEX') EXECUTE FUNCTION public.refuse();
COMMENT ON EVENT TRIGGER refuse_drops IS 'et'; CREATE EVENT TRIGGER off ON ddl_command_end EXECUTE FUNCTION public.refuse(); ALTER EVENT TRIGGER off DISABLE;
