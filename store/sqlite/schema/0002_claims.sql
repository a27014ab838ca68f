-- When claimed work was due before it was claimed, so that opening the file can release the claims of a process that
-- was killed; null while it is not claimed. No index: only opening looks for it, and finished work is gone.
ALTER TABLE work ADD COLUMN unclaimed_due INTEGER;
