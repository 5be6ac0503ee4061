BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
}

Describe 'Loading <_>' -ForEach 'clone', 'package' {
    BeforeAll {
        $module = if ($_ -eq 'package') { $PgOpsModule } else { Join-Path $PgOpsRoot 'PgOps.psd1' }
        $expected = (Import-PowerShellDataFile $module).CmdletsToExport
    }

    It 'exports every cmdlet of the manifest and nothing else' {
        Invoke-Fresh "Import-Module '$module'; (Get-Command -Module PgOps).Name" | Sort-Object | Should -Be ($expected | Sort-Object)
    }

    It 'exports them again after Import-Module -Force' {
        Invoke-Fresh "Import-Module '$module'; Import-Module '$module' -Force; (Get-Command -Module PgOps).Count" |
            Should -Be $expected.Count
    }

    It 'goes with Remove-Module and comes back' {
        Invoke-Fresh ("Import-Module '$module'; Remove-Module PgOps; (Get-Command Backup-PgDatabase -ErrorAction Ignore) -eq `$null; " +
            "Import-Module '$module'; (Get-Command -Module PgOps).Count") |
            Should -Be @('True', "$($expected.Count)")
    }

    It 'shows its public types to scripts' {
        Invoke-Fresh ("Import-Module '$module'; [PgOps.PgBackup].Name; [PgOps.PgTarget].Assembly.GetName().Name; " +
            "(New-PgTarget -Database x) -is [PgOps.PgTarget]") |
            Should -Be 'PgBackup', 'PgOps.Abstractions', 'True'
    }

    It 'keeps its libraries in a load context of its own' {
        $contexts = Invoke-Fresh @"
            Import-Module '$module'
            `$null = Test-PgTarget 'host=/nowhere'
            foreach (`$context in [System.Runtime.Loader.AssemblyLoadContext]::All) {
                foreach (`$assembly in `$context.Assemblies) { "`$(`$context.Name) `$(`$assembly.GetName().Name)" }
            }
"@
        $contexts | Should -Contain 'PgOps Npgsql'
        $contexts | Should -Contain 'PgOps PgOps.Core'
        $contexts | Should -Contain 'Default PgOps.Abstractions'
        $contexts | Should -Not -Contain 'Default Npgsql'
        $contexts | Should -Not -Contain 'Default PgOps.Core'
        $contexts | Should -Not -Contain 'PgOps PgOps.Abstractions'
        # Only who uses a store pays for it.
        $contexts | Should -Not -Contain 'PgOps AWSSDK.S3'
    }

    It 'loads the S3 client there too, when it is used' {
        $contexts = Invoke-Fresh @"
            Import-Module '$module'
            `$env:AWS_MAX_ATTEMPTS = 1; `$env:AWS_ACCESS_KEY_ID = 'a'; `$env:AWS_SECRET_ACCESS_KEY = 'topsecret'
            "`$(Get-PgBackup 's3://bucket/x?endpoint=http://127.0.0.1:1' 2>&1)"
            foreach (`$context in [System.Runtime.Loader.AssemblyLoadContext]::All) {
                foreach (`$assembly in `$context.Assemblies) { "`$(`$context.Name) `$(`$assembly.GetName().Name)" }
            }
"@
        $contexts | Should -Contain 'PgOps AWSSDK.S3'
        $contexts | Should -Not -Contain 'Default AWSSDK.S3'
        "$contexts" | Should -Not -Match 'topsecret'
    }

    It 'imports in four runspaces at once' {
        Invoke-Fresh "1..4 | ForEach-Object -Parallel { Import-Module '$module'; (Get-Command -Module PgOps).Count } -ThrottleLimit 4" |
            Should -Be (@($expected.Count) * 4)
    }

    It 'works in ForEach-Object -Parallel' {
        Invoke-Fresh "1..2 | ForEach-Object -Parallel { Import-Module '$module'; (New-PgTarget -Database d`$_).Database } | Sort-Object" |
            Should -Be 'd1', 'd2'
    }

    It 'works in jobs' {
        if (-not (Test-JobStart)) {
            Set-ItResult -Skipped -Because "PowerShell starts jobs by $PSHOME/pwsh, which this user may not execute"
        }
        Invoke-Fresh "Start-Job { Import-Module '$module'; (New-PgTarget -Database job).Database } | Receive-Job -Wait" | Should -Be 'job'
    }
}

Describe 'Another module brought older libraries first' {
    BeforeAll {
        # Strangers with the names of our dependencies, older and without any of their members.
        foreach ($name in 'Npgsql', 'Microsoft.Extensions.Logging.Abstractions', 'Microsoft.Extensions.Logging') {
            $source = "using System.Reflection; [assembly: AssemblyVersion(`"2.0.0.0`")] " +
                "namespace Decoy { public class $($name.Replace('.', '')) { } }"
            Invoke-Fresh "Add-Type -TypeDefinition '$($source -replace "'", "''")' -OutputAssembly '$TestDrive/$name.dll'"
        }
    }

    It 'PgOps works beside a decoy <_>' -ForEach 'Npgsql', 'Microsoft.Extensions.Logging.Abstractions' {
        $result = Invoke-Fresh @"
            `$decoy = [System.Reflection.Assembly]::LoadFrom('$TestDrive/$_.dll')
            Import-Module '$PgOpsModule'
            (Test-PgTarget 'host=/nowhere connect_timeout=2').Checks[0].Status
            "`$(`$decoy.GetName().Version)"
            [System.AppDomain]::CurrentDomain.GetAssemblies().Where({
                    `$_.GetName().Name -eq '$_' -and `$_.GetName().Version.Major -gt 2
                }).Count
"@
        $result | Should -Be 'Failed', '2.0.0.0', '1'
    }
}
