BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule
    $sandbox = Start-PgSandbox people
    $target = $sandbox.Target
    $null = Invoke-Sql $target "CREATE TABLE customers (email text PRIMARY KEY, name text, city text);
        CREATE TABLE orders (id int PRIMARY KEY, customer text REFERENCES customers);
        INSERT INTO customers SELECT 'someone' || g || '@corp.test', 'Some One ' || g, 'city ' || g % 3 FROM generate_series(1, 100) g;
        INSERT INTO orders SELECT g, 'someone' || g || '@corp.test' FROM generate_series(1, 50) g"
    $backup = Backup-PgDatabase $target -Path (Join-Path $TestDrive 'backups') -Format Custom -NoGlobals
    $rules = Join-Path $TestDrive 'rules.json'
    Set-Content $rules '{ "format": "pgops-mask/1", "columns": { "customers.email": "email", "customers.city": "shuffle" } }'
    $seed = ConvertTo-SecureString 'a seed that nobody guesses' -AsPlainText
}

AfterAll {
    $sandbox | Stop-PgSandbox
}

Describe 'Restore-PgDatabase -Mask' {
    It 'masks a copy, with the columns that refer to it' {
        $log = Join-Path $TestDrive 'log.jsonl'
        $restore = Restore-PgDatabase $backup -Target $target -Database staging -Mask $rules -MaskSeed $seed -Confirm:$false `
            -WarningVariable warned -WarningAction SilentlyContinue -LogPath $log
        $restore.Masked.ForEach{ "$_" } |
            Should -Be 'public.customers.city: shuffle', 'public.customers.email: email', 'public.orders.customer: email'
        $restore.TablesVerified | Should -Be 2
        "$warned" | Should -Match 'public\.customers\.name'
        Invoke-Sql $target.WithDatabase('staging') ("SELECT count(*) FROM orders JOIN customers ON customer = email " +
            "WHERE email LIKE '%@example.invalid'") |
            Should -Be 50
        ($restore.Masked | Format-Table | Out-String -Width 120) | Should -Match 'public\.customers\.email'
        Get-Content $log -Raw | Should -Not -Match 'nobody guesses'
    }

    It 'refuses with -StrictMask what looks like personal data' {
        {
            Restore-PgDatabase $backup -Target $target -Database strict -Mask $rules -StrictMask `
                -Confirm:$false -WarningAction SilentlyContinue -ErrorAction Stop
        } |
            Should -Throw -ErrorId 'CheckFailed*'
        Invoke-Sql $target "SELECT count(*) FROM pg_database WHERE datname LIKE 'strict%'" | Should -Be 0
    }

    It 'names every mistake and shows its plan under -WhatIf' {
        $plan = Invoke-Fresh ("Import-Module '$PgOpsModule'; " +
            "Restore-PgDatabase '$($backup.Path)' -Target '$($target.GetConnectionUri())' " +
            "-Database planned -Mask '$rules' -WhatIf")
        "$plan" | Should -Match 'customers\.email by email \(100 rows\)'
        $wrong = Join-Path $TestDrive 'wrong.json'
        Set-Content $wrong '{ "format": "pgops-mask/1", "columns": { "customers.email": "emial", "customers": "null" } }'
        { Restore-PgDatabase $backup -Target $target -Database wrong -Mask $wrong -Confirm:$false -ErrorAction Stop } |
            Should -Throw '*emial*"customers" is not*'
    }
}
