@{
    RootModule           = 'module/PgOps.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '5f0e3c55-6a0b-4a41-9c1e-3f5b0f6d7a92'
    Author               = 'PgOps contributors'
    CompanyName          = 'PgOps contributors'
    Copyright            = '(c) 2026 PgOps contributors. MIT licence.'
    Description          = 'PostgreSQL operations that refuse to be unsafe: migrations, backups, restores, and drills that prove them.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    TypesToProcess       = @('module/PgOps.types.ps1xml')
    FormatsToProcess     = @('module/PgOps.format.ps1xml')
    CmdletsToExport      = @(
        'Backup-PgDatabase'
        'Compare-PgDatabase'
        'Copy-PgBackup'
        'Export-PgReport'
        'Get-PgBackup'
        'Get-PgMigration'
        'Get-PgSandbox'
        'Import-PgMigrationHistory'
        'Invoke-PgMigration'
        'New-PgExpectation'
        'New-PgMigration'
        'New-PgTarget'
        'Remove-PgBackup'
        'Repair-PgMigration'
        'Reset-PgDatabase'
        'Restore-PgDatabase'
        'Start-PgSandbox'
        'Stop-PgSandbox'
        'Switch-PgDatabase'
        'Test-PgBackup'
        'Test-PgDatabase'
        'Test-PgRestore'
        'Test-PgTarget'
        'Undo-PgMigration'
    )
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    # Where the project lives stands in this file and nowhere else: here and in PSData.
    HelpInfoURI          = 'https://github.com/pgops/pgops/releases/latest/download/'
    PrivateData          = @{
        PSData = @{
            Tags         = @(
                'PostgreSQL', 'Postgres', 'Database', 'Migration', 'Backup', 'Restore', 'RestoreDrill', 'DisasterRecovery', 'DevOps',
                'AzureAutomation', 'PSEdition_Core', 'Windows', 'Linux'
            )
            ProjectUri   = 'https://github.com/pgops/pgops'
            LicenseUri   = 'https://github.com/pgops/pgops/blob/main/LICENSE'
            IconUri      = 'https://raw.githubusercontent.com/pgops/pgops/main/docs/icon.png'
            ReleaseNotes = 'https://github.com/pgops/pgops/blob/main/CHANGELOG.md'
            Prerelease   = ''
        }
    }
}
